from dataclasses import replace

import numpy as np
import pytest
import torch
from shopzoo_mf.bpr_mf import BPRMF, Users
from shopzoo_mf.params import BPRMFParams

from zoo.api import Interactions, ItemTable, Queries, RunContext, Sizes, TrainingData, UserItem
from zoo.nn import Negatives, bpr


def checkerboard(size):
    """Return a log of users who take every second item, odd or even as they are, but the one of their own number."""
    pairs = [(u, i + 1) for u in range(size) for i in range(size) if (u + i) % 2 == 0 and u != i]
    users, items = np.array(pairs).T
    return Interactions.from_arrays(users, items, n_items=size, n_users=size)


def test_the_gradient_is_the_paper_s():
    encoder = Users(BPRMFParams(dim=4), Sizes(3, 3, 1))
    table = ItemTable(torch.tensor([False, True, True, True, True]), 4, std=1.0)
    question = next(iter(UserItem().examples(checkerboard(4), 1, np.random.default_rng(0)))).inputs
    question.users.fill_(2)
    target, drawn = 3, [1, 4]
    hidden = encoder(question)[:, 0]
    bpr(hidden, table, torch.tensor([target]), Negatives(torch.tensor(drawn), torch.zeros(2))).backward()
    user, items = encoder.vectors.weight[2].detach(), table.weight.detach()
    expected = torch.zeros_like(user)
    for negative in drawn:  # Rendle et al., section 4.3: e^-x / (1 + e^-x) times d x / d theta, x = w_u (h_i - h_j)
        x = user @ (items[target] - items[negative])
        expected -= torch.exp(-x) / (1 + torch.exp(-x)) * (items[target] - items[negative]) / len(drawn)
    torch.testing.assert_close(encoder.vectors.weight.grad[2], expected)
    assert encoder.vectors.weight.grad[[0, 1, 3]].abs().sum() == 0


def test_a_user_outside_training_gets_the_most_popular_items(clustered):
    model, context = BPRMF(BPRMFParams(dim=16, negatives=16)), RunContext()
    one_epoch = context.settings.model_copy(update={"max_epochs": 1})
    model.fit(TrainingData.of(clustered), context.for_training(settings=one_epoch))
    queries = replace(Queries.of_histories(clustered), users=np.zeros(60, np.int64))
    order = model.score(queries)[0].argsort(descending=True, stable=True)
    assert order[:30].tolist() == np.argsort(-clustered.counts(), kind="stable")[:30].tolist()


def test_the_history_has_no_length():
    with pytest.raises(ValueError, match="length"):
        BPRMFParams(length=50)
