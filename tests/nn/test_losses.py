"""Each loss against a loop over positions and items, as its paper writes it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.nn.items import ItemTable
from zoo.nn.losses.bce import bce
from zoo.nn.losses.bpr import bpr
from zoo.nn.losses.bpr_max import bpr_max
from zoo.nn.losses.gbce import gbce
from zoo.nn.losses.sampled_softmax import sampled_softmax
from zoo.nn.losses.softmax import softmax
from zoo.nn.negatives import Negatives

DIM = 3


@st.composite
def cases(draw):
    """Draw an item table in which some items are not known, vectors, targets and negatives; a negative may be a target."""
    known = [False, *draw(st.lists(st.booleans(), min_size=1, max_size=7))]
    known[draw(st.integers(1, len(known) - 1))] = True
    choice = st.sampled_from(np.flatnonzero(known).tolist())
    targets = draw(st.lists(choice, min_size=1, max_size=4))
    negatives = draw(st.lists(choice, min_size=1, max_size=5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    table = ItemTable(torch.tensor(known), DIM)
    with torch.no_grad():
        table.weight.copy_(torch.randn(table.weight.shape, generator=generator))
    hidden = torch.randn(len(targets), DIM, generator=generator).requires_grad_()
    log_q = torch.randn(len(negatives), generator=generator)
    return hidden, table, torch.tensor(targets), Negatives(torch.tensor(negatives), log_q)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def by_position(case, loss):
    """Return the mean over positions of `loss(positive score, [(negative score, log q), ...], table)`."""
    hidden, table, targets, negatives = case
    scores = (hidden @ table.weight.T).tolist()
    values = []
    for row, target in zip(scores, targets.tolist(), strict=True):
        drawn = [(row[j], q) for j, q in zip(*map(torch.Tensor.tolist, negatives), strict=True) if j != target]
        values.append(loss(row[target], drawn, row))
    return sum(values) / len(values)


def _gbce(case, calibration):
    _, table, _, negatives = case
    alpha = min(len(negatives.items) / max(int(table.known.sum()) - 1, 1), 1)
    beta = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    return by_position(
        case, lambda p, d, _: -math.log(sigmoid(p) ** beta) - sum(math.log(1 - sigmoid(n)) for n, _ in d)
    )


def _bpr(case):
    hidden, table, targets, negatives = case
    pairs = [
        -math.log(sigmoid((h @ table.weight[t]).item() - (h @ table.weight[j]).item()))
        for h, t in zip(hidden, targets.tolist(), strict=True)
        for j in negatives.items.tolist()
        if j != t
    ]
    return sum(pairs) / max(len(pairs), 1)


def _bpr_max(p, drawn, _):
    if not drawn:
        return 0.0
    total = sum(math.exp(n) for n, _ in drawn)
    shares = [math.exp(n) / total for n, _ in drawn]
    won = sum(s * sigmoid(p - n) for s, (n, _) in zip(shares, drawn, strict=True))
    return -math.log(won) + 0.5 * sum(s * n**2 for s, (n, _) in zip(shares, drawn, strict=True))


def _softmax(case, temperature):
    known = case[1].known.tolist()
    return by_position(
        case,
        lambda p, _, row: (
            -math.log(
                math.exp(p / temperature) / sum(math.exp(s / temperature) for s, k in zip(row, known, strict=True) if k)
            )
        ),
    )


LOSSES = {
    "softmax": (lambda *case: softmax(*case[:3], temperature=0.7), lambda case: _softmax(case, 0.7)),
    "sampled-softmax": (
        lambda *case: sampled_softmax(*case, temperature=0.7),
        lambda case: by_position(case, lambda p, d, _: math.log(
            1 + sum(math.exp(n / 0.7 - q - p / 0.7) for n, q in d)
        )),
    ),
    "sampled-softmax, no logq": (
        lambda *case: sampled_softmax(*case, logq=False),
        lambda case: by_position(case, lambda p, d, _: math.log(1 + sum(math.exp(n - p) for n, _ in d))),
    ),
    "gbce": (lambda *case: gbce(*case, calibration=0.6), lambda case: _gbce(case, 0.6)),
    "bce": (bce, lambda case: by_position(case, lambda p, d, _: (
        -math.log(sigmoid(p)) - sum(math.log(1 - sigmoid(n)) for n, _ in d) / max(len(d), 1)
    ))),
    "bpr": (bpr, _bpr),
    "bpr-max": (lambda *case: bpr_max(*case, regularisation=0.5), lambda case: by_position(case, _bpr_max)),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=60)
@given(case=cases())
def test_a_loss_is_what_its_formula_says(name, case):
    loss, reference = LOSSES[name]
    value = loss(*case)
    assert value.item() == pytest.approx(reference(case), rel=1e-4, abs=1e-5)
    value.backward()
    assert case[0].grad.isfinite().all()
    assert case[1].weight.grad is None or case[1].weight.grad.isfinite().all()


@settings(max_examples=30)
@given(case=cases())
def test_the_softmax_moves_known_items_only(case):
    hidden, table, targets, _ = case
    softmax(hidden, table, targets).backward()
    moved = table.weight.grad.abs().sum(1) > 0
    assert not moved[~table.known].any()
    scores = table.all_logits(hidden)
    assert (scores[:, ~table.known] == -torch.inf).all()
    assert scores[:, table.known].isfinite().all()


def test_items_outside_training_start_at_zero_and_inputs_are_scaled():
    table = ItemTable(torch.tensor([False, True, False, True]), 16)
    assert (table.weight[[0, 2]] == 0).all()
    items = torch.tensor([[1, 0], [3, 1]])
    torch.testing.assert_close(table.inputs(items), table.outputs(items) * 4)
    hidden = torch.randn(2, 16)
    torch.testing.assert_close(table.logits(hidden, items[1]), table.all_logits(hidden)[torch.arange(2), items[1]])
