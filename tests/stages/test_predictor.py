"""What the core does with the scores of a predictor."""

import numpy as np
import pytest
import torch

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.params import Params
from zoo.stages.candidates import Exclusions
from zoo.stages.predictor import Predictor

N_USERS, N_ITEMS = 3, 5


class Shared(Predictor[Params]):
    """Returns its fitted scores themselves."""

    fitted = ("scores",)

    def fit(self, data, context):
        self.scores = torch.arange(1.0, N_USERS * (N_ITEMS + 1) + 1).view(N_USERS, -1)

    def score(self, queries):
        return self.scores[: len(queries)]


class SharedRow(Shared):
    """Returns a row that it keeps."""

    def fit(self, data, context):
        self.scores = torch.arange(1.0, N_ITEMS + 2)

    def score(self, queries):
        return self.scores[None]


@pytest.mark.parametrize(("kind", "n"), [(SharedRow, 1), (Shared, 1), (Shared, 2)])
def test_items_excluded_for_one_call_are_not_excluded_for_the_next(kind, n):
    predictor = kind(Params())
    predictor.fit(None, None)
    before = predictor.scores.clone()
    numbers = np.arange(n)
    queries = Queries.of_histories(Interactions.from_arrays(numbers, numbers + 1, n_items=N_ITEMS, n_users=n))
    best = Exclusions(torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64), torch.tensor([N_ITEMS]))
    with torch.inference_mode():
        first = predictor.recommend(queries, 2, best)
        second = predictor.recommend(queries, 2, Exclusions.only_padding())
    assert first.items[0].tolist() == [N_ITEMS - 1, N_ITEMS - 2]
    assert second.items[0].tolist() == [N_ITEMS, N_ITEMS - 1]
    assert torch.equal(predictor.scores, before)
