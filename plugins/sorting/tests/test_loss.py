"""The losses against loops over lists and places."""

import math

import pytest
import torch
from shopzoo_sorting.loss import ndcg_loss, permutation_loss
from shopzoo_sorting.network import SoftSort

HARD = SoftSort(steepness=1e7)


def judged(b=5, k=9, seed=0):
    """Return scores, labels and mask `[B, K]`, lists of all lengths, holes anywhere, one list without a positive."""
    g = torch.Generator().manual_seed(seed)
    scores = torch.randn(b, k, generator=g, dtype=torch.float64)
    labels = torch.randint(0, 4, (b, k), generator=g).float()
    mask = torch.rand(b, k, generator=g) < 0.7
    mask[:, 0], labels[:, 0], labels[1] = True, 2.0, 0.0
    return scores, labels, mask


def ndcg(scores, labels, k):
    """Return the NDCG of one list, or None where it has no positive."""
    gain = lambda order: sum((2**label - 1) / math.log2(i + 2) for i, label in enumerate(order[:k]))  # noqa: E731
    best = gain(sorted(labels, reverse=True))
    order = [label for _, label in sorted(zip(scores, labels, strict=True), key=lambda pair: -pair[0])]
    return gain(order) / best if best else None


@pytest.mark.parametrize("k", [None, 1, 3])
@pytest.mark.parametrize("kind", ["bitonic", "odd-even"])
def test_relaxed_ndcg_tends_to_ndcg(k, kind):
    scores, labels, mask = judged()
    lists = [(s[m].tolist(), y[m].tolist()) for s, y, m in zip(scores, labels, mask, strict=True)]
    values = [v for v in (ndcg(s, y, k) for s, y in lists) if v is not None]
    assert len(values) == 4
    errors = [
        abs(float(1 - ndcg_loss(scores, labels, mask, SoftSort(kind, steepness=b), k)) - sum(values) / 4)
        for b in (1, 1e3, 1e7)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-5
    assert float(ndcg_loss(labels + 0.01 * scores, labels, mask, HARD, k)) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("loss", [ndcg_loss, permutation_loss])
@pytest.mark.parametrize("k", [None, 2])
def test_a_loss_is_that_of_its_lists_alone(loss, k):
    scores, labels, mask = judged()
    scores.requires_grad_()
    value = loss(scores, labels, mask, SoftSort(steepness=3.0), k)
    (gradient,) = torch.autograd.grad(value, scores)
    assert (gradient[~mask] == 0).all()
    rows = [r for r in range(5) if r != 1 or loss is permutation_loss]
    sliced = [[x[r : r + 1, mask[r]] for x in (scores, labels, mask)] for r in rows]
    alone = [loss(*one, SoftSort(steepness=3.0), k).item() for one in sliced]
    assert value.item() == pytest.approx(sum(alone) / len(rows), rel=1e-6)
    wild = loss(scores.where(mask, 1e9), labels.where(mask, 3.0), mask, SoftSort(steepness=3.0), k)
    assert wild.item() == pytest.approx(value.item(), rel=1e-6)


def test_the_permutation_of_different_labels_is_the_cross_entropy_of_the_matrix():
    scores = judged(4, 7)[0]
    labels = torch.stack([torch.randperm(7, generator=torch.Generator().manual_seed(i)) for i in range(4)]).float()
    mask = torch.ones(4, 7, dtype=torch.bool)
    matrix = SoftSort(steepness=3.0)(scores, torch.eye(7, dtype=torch.float64).expand(4, -1, -1)).payloads
    wanted = [
        -matrix[b, place, labels[b].argsort(descending=True)[place]].log() for b in range(4) for place in range(7)
    ]
    assert float(permutation_loss(scores, labels, mask, SoftSort(steepness=3.0))) == pytest.approx(
        float(sum(wanted)) / 28
    )


def test_items_of_one_label_may_stand_for_each_other():
    labels, mask = torch.tensor([[2.0, 2.0, 0.0]]), torch.ones(1, 3, dtype=torch.bool)
    values = [permutation_loss(torch.tensor([s]), labels, mask, HARD) for s in ([3.0, 2, 1], [2.0, 3, 1])]
    assert values[0] == pytest.approx(0, abs=1e-4)
    assert values[1] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("loss", "steepness"), [(ndcg_loss, 4.0), (permutation_loss, 1.0)])
def test_gradients_lead_to_the_best_order(loss, steepness):
    scores, labels, mask = judged(6, 12, seed=3)
    scores = scores.float().requires_grad_()
    optimiser = torch.optim.Adam([scores], lr=0.05)
    torch.manual_seed(0)
    for _ in range(200):
        optimiser.zero_grad()
        loss(scores, labels, mask, SoftSort(steepness=steepness, wires="random")).backward()
        optimiser.step()
    assert float(ndcg_loss(scores.detach(), labels, mask, HARD)) < 5e-3


@pytest.mark.parametrize("loss", [ndcg_loss, permutation_loss])
def test_equal_scores_and_single_items_are_no_trouble(loss):
    scores = torch.zeros(2, 3, requires_grad=True)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    value = loss(scores, torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0]]), mask, SoftSort())
    value.backward()
    assert value.isfinite()
    assert scores.grad.isfinite().all()
    assert scores.grad[0, 2] < 0 < scores.grad[0, 0]  # the best is to go up, the worst down
