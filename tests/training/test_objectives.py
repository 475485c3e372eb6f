"""What networks are shown and asked under each objective."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from zoo.config.train import NetworkSettings
from zoo.data.queries import Queries
from zoo.neural_params import NeuralParams
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training.neural import NeuralPredictor
from zoo.training.objectives import MaskedItem, NextItem, UserItem

CPU = torch.device("cpu")


def some_without_history(log):
    """Return queries of which every third has no history."""
    queries = Queries.of_histories(log)
    none = np.arange(len(queries)) % 3 == 0
    return replace(queries, end=np.where(none, log.offsets[:-1], queries.end)), none


def test_a_hidden_position_at_the_query_s_moment_follows_each_history(cycle):
    queries, none = some_without_history(cycle)
    plain = NextItem(4).question(queries, CPU)
    asked = MaskedItem(5, 0.2).question(queries, CPU)
    for row in range(len(queries)):
        n = int(plain.lengths[row])
        assert int(asked.lengths[row]) == n + 1
        assert asked.items[row, :n].tolist() == plain.items[row, :n].tolist()
        assert int(asked.items[row, n]) == 0
        assert asked.masked[row].tolist() == [at == n for at in range(asked.items.shape[1])]
        assert int(asked.times[row, n]) == int(asked.now[row, n]) == queries.now[row]
        assert asked.now[row, : max(n - 1, 0)].tolist() == plain.now[row, : max(n - 1, 0)].tolist()
    assert asked.items.shape[1] == 5
    for objective in (NextItem(4), MaskedItem(5, 0.2)):
        assert objective.answerable(objective.question(queries, CPU)).tolist() == (~none).tolist()


def test_users_of_training_are_known_without_a_history(cycle):
    queries, _ = some_without_history(cycle)
    queries = replace(queries, users=np.where(np.arange(len(queries)) % 2 == 0, queries.users, 0))
    objective = UserItem()
    assert objective.answerable(objective.question(queries, CPU)).tolist() == (queries.users > 0).tolist()


class UserVectors(nn.Module):
    """A vector for each user, at all positions."""

    def __init__(self, sizes, dim):
        super().__init__()
        self.users = nn.Embedding(sizes.n_users + 1, dim, padding_idx=0)
        nn.init.normal_(self.users.weight[1:], std=0.1)

    def forward(self, batch):
        return self.users(batch.users)[:, None].expand(-1, batch.items.shape[1], -1)


class Factors(NeuralPredictor):
    """The smallest predictor of pairs."""

    @property
    def objective(self):
        return UserItem()

    def build(self, sizes, items):
        return UserVectors(sizes, self.params.dim)


def test_pairs_of_users_and_items_are_learned(cycle, training_seed, assert_learned):
    predictor = Factors(NeuralParams(dim=16, loss="softmax"))
    context = RunContext(
        training_seed, training=TrainingEnvironment(NetworkSettings(max_epochs=60, learning_rate=0.05))
    )
    predictor.fit(TrainingData.of(cycle), context)
    scores = predictor.score(Queries.of_histories(cycle))
    taken = torch.from_numpy(cycle.matrix(binary=True).toarray() > 0)
    leads = scores.masked_fill(~taken, torch.inf).amin(1) - scores.masked_fill(taken, -torch.inf).amax(1)
    assert_learned(leads.min(), above=0)
    unknown = replace(Queries.of_histories(cycle), users=np.zeros(len(scores), np.int64))
    assert torch.equal(predictor.score(unknown)[0], predictor.network.popularity)
