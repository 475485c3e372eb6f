"""The row-wise optimiser against torch's own two."""

import numpy as np
import pytest
import torch
from torch import nn

from zoo.data.queries import Queries
from zoo.errors import ConfigError
from zoo.neural_params import NeuralParams
from zoo.params import validated
from zoo.training.optimizer import RowwiseAdamW


def tables(number):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(6, 3, generator=generator)
    return [nn.Parameter(start.clone()) for _ in range(number)]


def steps(table, optimizer, batches, *, sparse):
    generator = torch.Generator().manual_seed(1)
    for rows in batches:
        wanted = torch.randn(len(rows), 3, generator=generator)
        optimizer.zero_grad()
        found = nn.functional.embedding(torch.tensor(rows), table, sparse=sparse)
        (found - wanted).square().sum().backward()
        optimizer.step()
    return table.detach()


SOME = [[0, 2, 2], [1], [5, 0], [2, 2, 2, 1]]


def test_rows_move_as_under_sparse_adam():
    mine, theirs = tables(2)
    one = steps(mine, RowwiseAdamW([mine], lr=0.1, weight_decay=0.0), SOME, sparse=True)
    torch.testing.assert_close(one, steps(theirs, torch.optim.SparseAdam([theirs], lr=0.1), SOME, sparse=True))
    assert torch.equal(one[[3, 4]], tables(1)[0].detach()[[3, 4]])


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_it_is_adamw_where_every_step_touches_every_row(decay):
    mine, theirs = tables(2)
    batches = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0, 0]]
    one = steps(mine, RowwiseAdamW([mine], lr=0.1, weight_decay=decay), batches, sparse=True)
    other = steps(theirs, torch.optim.AdamW([theirs], lr=0.1, weight_decay=decay), batches, sparse=False)
    torch.testing.assert_close(one, other)


def test_dense_gradients_are_adamw_s():
    mine, theirs = tables(2)
    one = steps(mine, RowwiseAdamW([mine], lr=0.1), SOME, sparse=False)
    torch.testing.assert_close(one, steps(theirs, torch.optim.AdamW([theirs], lr=0.1), SOME, sparse=False))


def test_a_saved_state_goes_on_as_if_nothing_had_happened():
    whole, halves = tables(2)
    steps(whole, RowwiseAdamW([whole], lr=0.1), SOME + SOME, sparse=True)
    optimizer = RowwiseAdamW([halves], lr=0.1)
    steps(halves, optimizer, SOME, sparse=True)
    again = RowwiseAdamW([halves], lr=0.1)
    again.load_state_dict(optimizer.state_dict())
    assert again.state[halves]["step"] == optimizer.state[halves]["step"] == len(SOME)
    torch.testing.assert_close(again.state[halves]["exp_avg_sq"], optimizer.state[halves]["exp_avg_sq"])


def test_a_model_with_sparse_updates_learns_and_leaves_other_rows_alone(cycle, fit, training_seed, assert_learned):
    params = {"loss": "sampled-softmax", "negative_sampling": "in-batch", "dropout": 0.0, "sparse_updates": True}
    predictor = fit(cycle, params, max_epochs=60, seed=training_seed)
    scores = predictor.score(Queries.of_histories(cycle))
    next_items = cycle.items[cycle.offsets[1:] - 1] % 12 + 1
    assert_learned((scores.argmax(1).numpy() == next_items).mean(), above=0.97)
    assert np.all(predictor.network.items.weight[[0, 13]].detach().numpy() == 0)


def test_a_full_softmax_with_sparse_updates_is_refused():
    with pytest.raises(ConfigError, match=r"expected a sampled loss with `sparse_updates`, found loss = \"softmax\""):
        validated(NeuralParams, {"sparse_updates": True}, "sasrec")


def test_sparse_gradients_cannot_be_clipped(cycle, fit):
    with pytest.raises(ConfigError, match="expected `sparse_updates` or `clip_norm`, found both"):
        fit(cycle, {"loss": "bpr", "sparse_updates": True}, clip_norm=1.0)
