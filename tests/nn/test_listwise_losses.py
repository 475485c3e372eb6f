"""Each loss over lists against a loop over the items of one list, as its paper writes it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.nn.losses.listwise.approx_ndcg import approx_ndcg
from zoo.nn.losses.listwise.lambdarank import lambdarank
from zoo.nn.losses.listwise.listnet import listnet
from zoo.nn.losses.listwise.neural_ndcg import neural_ndcg, soft_permutation
from zoo.nn.losses.listwise.sinkhorn import sinkhorn
from zoo.nn.losses.listwise.softmax import list_softmax


def dcg(gains, k=None):
    return sum(g / math.log2(i + 2) for i, g in enumerate(gains[:k]))


def ndcg(scores, labels, k=None):
    """Return NDCG@k of one list; 0 without a positive."""
    gains = [2**y - 1 for y in labels]
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    ideal = dcg(sorted(gains, reverse=True), k)
    return dcg([gains[i] for i in order], k) / ideal if ideal else 0.0


def cross_entropy(shares, scores):
    total = sum(math.exp(s) for s in scores)
    return -sum(p * math.log(math.exp(s) / total) for p, s in zip(shares, scores, strict=True))


def _listnet(scores, labels):
    total = sum(math.exp(y) for y in labels)
    return cross_entropy([math.exp(y) / total for y in labels], scores)


def _softmax(scores, labels):
    total = sum(2**y - 1 for y in labels)
    return cross_entropy([(2**y - 1) / total for y in labels], scores) if total else 0.0


def _lambdarank(scores, labels, k=None, sigma=1.0):
    """Change places in truth, and see by how much NDCG changes."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    standing = [labels[i] for i in order]
    falling = list(range(len(order), 0, -1))
    total = 0.0
    for i in range(len(order)):
        for j in range(len(order)):
            if standing[i] > standing[j]:
                swapped = list(standing)
                swapped[i], swapped[j] = swapped[j], swapped[i]
                change = abs(ndcg(falling, standing, k) - ndcg(falling, swapped, k))
                total += change * math.log(1 + math.exp(-sigma * (scores[order[i]] - scores[order[j]])))
    return total


def _approx_ndcg(scores, labels, temperature=1.0):
    def rank(i):
        others = (j for j in range(len(scores)) if j != i)
        return 1 + sum(1 / (1 + math.exp((scores[i] - scores[j]) / temperature)) for j in others)

    gains = [2**y - 1 for y in labels]
    ideal = dcg(sorted(gains, reverse=True))
    return 1 - (sum(g / math.log2(1 + rank(i)) for i, g in enumerate(gains)) / ideal if ideal else 0.0)


def _neural_ndcg(scores, labels, k=None, temperature=1.0):
    s, n = np.array(scores), len(scores)
    matrix = np.zeros((n, n))
    for i in range(n):
        z = ((n + 1 - 2 * (i + 1)) * s - np.abs(s[:, None] - s).sum(1)) / temperature
        matrix[i] = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    for _ in range(20):
        matrix /= matrix.sum(0, keepdims=True)
        matrix /= matrix.sum(1, keepdims=True)
    gains = 2.0 ** np.array(labels) - 1
    ideal = dcg(sorted(gains, reverse=True), k)
    return 1 - (dcg(list(matrix @ gains), k) / ideal if ideal else 0.0)


LOSSES = {
    "listnet": (listnet, _listnet, {}),
    "softmax": (list_softmax, _softmax, {}),
    "lambdarank": (lambdarank, _lambdarank, {}),
    "lambdarank@2": (lambdarank, _lambdarank, {"k": 2, "sigma": 0.7}),
    "approx-ndcg": (approx_ndcg, _approx_ndcg, {"temperature": 0.6}),
    "neural-ndcg": (neural_ndcg, _neural_ndcg, {"temperature": 0.8}),
    "neural-ndcg@3": (neural_ndcg, _neural_ndcg, {"k": 3}),
}
every_loss = pytest.mark.parametrize("name", LOSSES)


@st.composite
def ragged(draw):
    """Draw lists of one to seven items with labels 0 to 3, padded with what must not be read, wherever padding stands."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lengths = draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
    width = max(lengths) + draw(st.integers(0, 2))
    scores, labels = torch.from_numpy(rng.normal(size=(2, len(lengths), width)) * 9)
    mask = torch.zeros(len(lengths), width, dtype=torch.bool)
    for row, length in enumerate(lengths):
        mask[row, np.sort(rng.permutation(width)[:length])] = True
        scores[row, mask[row]] = torch.from_numpy(rng.normal(size=length))
        labels[row, mask[row]] = torch.from_numpy(rng.integers(0, 4, length).astype(float))
    return scores.requires_grad_(), labels, mask


def each(scores, labels, mask):
    """Return the lists without their padding, as Python lists."""
    return [(s[m].tolist(), y[m].tolist()) for s, y, m in zip(scores.detach(), labels, mask, strict=True)]


@every_loss
@settings(max_examples=30)
@given(case=ragged())
def test_a_loss_is_what_its_formula_says(name, case):
    loss, reference, options = LOSSES[name]
    expected = np.mean([reference(s, y, **options) for s, y in each(*case)])
    assert loss(*case, **options).item() == pytest.approx(expected, rel=1e-6, abs=1e-9)


@every_loss
@settings(max_examples=20)
@given(case=ragged())
def test_padding_and_the_level_of_the_scores_change_nothing(name, case):
    loss, _, options = LOSSES[name]
    scores, labels, mask = case
    value = loss(scores, labels, mask, **options)
    (slope,) = torch.autograd.grad(value, scores)
    assert (slope[~mask] == 0).all()
    alone = []
    for row, kept in enumerate(mask):
        bare = scores[row, kept][None] + 5.0
        alone.append(loss(bare, labels[row, kept][None], torch.ones_like(bare, dtype=torch.bool), **options))
    mean = torch.stack(alone).mean()
    torch.testing.assert_close(mean, value)
    torch.testing.assert_close(torch.autograd.grad(mean, scores)[0], slope)


@every_loss
@settings(max_examples=4)
@given(case=ragged())
def test_the_gradient_is_that_of_finite_differences(name, case):
    loss, _, options = LOSSES[name]
    scores, labels, mask = case
    assert torch.autograd.gradcheck(lambda s: loss(s, labels, mask, **options), (scores,))


@every_loss
def test_nothing_but_padding_labels_of_zero_and_one_item_are_no_trouble(name):
    loss, _, options = LOSSES[name]
    scores = torch.tensor([[torch.nan, 3e38], [1.0, 2.0], [0.5, -torch.inf]], requires_grad=True)
    labels = torch.tensor([[1.0, torch.nan], [0.0, 0.0], [2.0, 1.0]])
    mask = torch.tensor([[False, False], [True, True], [True, False]])
    value = loss(scores, labels, mask, **options)
    value.backward()
    assert value.isfinite()
    assert scores.grad.isfinite().all()
    assert (scores.grad[~mask] == 0).all()


@every_loss
def test_scores_that_are_equal_or_far_apart_have_a_gradient_and_no_nan(name):
    loss, _, options = LOSSES[name]
    labels = torch.tensor([[0.0, 1.0, 2.0, 0.0]] * 2)
    scores = torch.tensor([[0.0] * 4, [3e3, -3e3, 1e3, 0.0]], requires_grad=True)
    loss(scores, labels, torch.ones(2, 4, dtype=torch.bool), **options).backward()
    assert scores.grad.isfinite().all()
    step = scores.grad[0]
    assert step[2] < 0  # the most relevant item goes up
    assert step[2] == step.min()


@pytest.mark.parametrize("loss", [approx_ndcg, neural_ndcg])
def test_the_relaxed_ndcg_tends_to_ndcg(loss):
    rng = np.random.default_rng(3)
    scores = torch.from_numpy(np.stack([rng.permutation(12) for _ in range(20)]) / 4.0)
    labels = torch.from_numpy(rng.integers(0, 5, (20, 12)).astype(float))
    mask = torch.arange(12) < torch.from_numpy(rng.integers(2, 13, 20))[:, None]
    expected = np.mean([1 - ndcg(s, y) for s, y in each(scores, labels, mask)])
    gaps = [abs(loss(scores, labels, mask, temperature=t).item() - expected) for t in (1.0, 0.3, 0.1, 0.01)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > 1e-3
    assert gaps[-1] < 1e-6


def test_the_soft_permutation_is_doubly_stochastic():
    rng = np.random.default_rng(0)
    scores = torch.from_numpy(rng.normal(size=(5, 9)))
    mask = torch.arange(9) < torch.tensor([9, 1, 4, 7, 0])[:, None]
    matrix = soft_permutation(scores, mask, 1.0)
    rows, columns = sinkhorn(matrix, 40)
    scaled = rows[:, :, None] * matrix * columns[:, None, :]
    torch.testing.assert_close(scaled.sum(1), mask.double(), atol=1e-3, rtol=0)
    torch.testing.assert_close(scaled.sum(2), mask.double(), atol=1e-9, rtol=0)


def test_figures_that_a_pencil_gives():
    scores, labels = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    half = math.log(2)
    assert listnet(scores, labels, mask).item() == pytest.approx(half)
    assert list_softmax(scores, labels, mask).item() == pytest.approx(half)
    # NDCG falls from 1 to 1 / log2(3) when the two change places
    assert lambdarank(scores, labels, mask).item() == pytest.approx((1 - 1 / math.log2(3)) * half)
    # each stands at rank 1.5, and each is at both ranks by half
    assert approx_ndcg(scores, labels, mask).item() == pytest.approx(1 - 1 / math.log2(2.5))
    assert neural_ndcg(scores, labels, mask).item() == pytest.approx(1 - (1 + 1 / math.log2(3)) / 2)
