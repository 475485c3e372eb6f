"""The network of soft swaps against what its papers promise of it, and against their authors' library."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_sorting.network import SoftSort
from shopzoo_sorting.sigmoids import SIGMOIDS
from shopzoo_sorting.wiring import bitonic, odd_even, wiring

KINDS = ("bitonic", "odd-even")
MONOTONIC = ("cauchy", "reciprocal", "optimal")
INFINITE = {"steepness": math.inf, "wires": "listed"}
LISTED = [0.3, -1.2, 0.7, 0.1, 0.9, -0.4, 0.0, 0.5]
# DiffSortNet(kind, 8, steepness=4, distribution=sigmoid) of diffsort 0.2.0 sorts LISTED upwards, and 0..7 beside it, to:
PUBLISHED = {
    ("logistic", "bitonic"): (
        [-1.161639, -0.239765, 0.133149, 0.163249, 0.35183, 0.403737, 0.570307, 0.679131],
        [1.10545, 4.807336, 4.170777, 3.797427, 3.094252, 3.595109, 3.470902, 3.958746],
    ),
    ("cauchy", "bitonic"): (
        [-0.729608, -0.109574, 0.083267, 0.092651, 0.319568, 0.339391, 0.428137, 0.476169],
        [1.757082, 4.071616, 3.786664, 3.613022, 3.398844, 3.591016, 3.790343, 3.991412],
    ),
    ("reciprocal", "odd-even"): (
        [-0.543951, -0.12628, -0.028971, 0.17796, 0.224652, 0.369014, 0.388042, 0.439533],
        [1.41134, 2.260362, 2.54802, 3.471437, 3.754411, 4.662695, 4.784204, 5.107532],
    ),
    ("optimal", "odd-even"): (
        [-1.1375, -0.3375, 0.0584, 0.1041, 0.2375, 0.515625, 0.6375, 0.821875],
        [1.149363, 4.597518, 4.195632, 3.607806, 1.8237, 5.242175, 3.402568, 3.981237],
    ),
}


def soft_sort(scores, payloads, mask=None, **how):
    return SoftSort(**how)(scores, payloads, mask)


def drawn(b, k, c=2, seed=0, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(b, k, generator=g, dtype=dtype), torch.randn(b, k, c, generator=g, dtype=dtype)


def matrices(scores, mask=None, **params):
    """Return the relaxed permutation matrices `[B, place, item]`."""
    return soft_sort(scores, torch.eye(scores.shape[1], dtype=scores.dtype).expand(len(scores), -1, -1), mask, **params)


@pytest.mark.parametrize(("sigmoid", "kind"), PUBLISHED, ids=str)
def test_it_gives_what_the_authors_library_gives(sigmoid, kind):
    # Batcher's network turns every second block round; ours gets the same by the order of its input.
    wires = turned(8) if kind == "bitonic" else list(range(8))
    scores, payloads = -torch.tensor([LISTED])[:, wires], torch.tensor(wires)[None, :, None].float()
    found = soft_sort(scores, payloads, network=kind, sigmoid=sigmoid, steepness=4.0, wires="listed")
    values, beside = PUBLISHED[sigmoid, kind]
    assert (-found.scores[0]).tolist() == pytest.approx(values, abs=2e-6)
    assert found.payloads[0, :, 0].tolist() == pytest.approx(beside, abs=1e-5)


def turned(n):
    """Return the wires of Batcher's network in the order of ours: in each block the second half is turned round."""
    half = turned(n // 2) if n > 1 else []
    return [*half, *(n - 1 - i for i in half)] if n > 1 else [0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", range(1, 13))
def test_a_steep_network_is_a_sort(kind, n):
    """All inputs of zeros and ones prove a network for all inputs (Knuth's zero-one principle); then ties and values."""
    bits = (torch.arange(2**n)[:, None] >> torch.arange(n) & 1).float()
    assert torch.equal(soft_sort(bits, bits[..., None], network=kind, **INFINITE).scores, bits.sort(1, True).values)
    scores, payloads = drawn(20, n)
    for wires in ("sorted", "listed", "random"):
        found = soft_sort(scores, payloads, network=kind, steepness=math.inf, wires=wires)
        order = scores.argsort(1, descending=True)
        assert torch.equal(found.scores, scores.gather(1, order))
        assert torch.equal(found.payloads, payloads.gather(1, order[..., None].expand_as(payloads)))
        assert torch.equal(found.undo(found.payloads), payloads)


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
def test_growing_steepness_leads_to_the_sort(sigmoid):
    scores = drawn(4, 20)[0].argsort(1).double()  # at least 1 apart
    errors = [
        float((matrices(scores, sigmoid=sigmoid, steepness=b).scores - scores.sort(1, True).values).abs().max())
        for b in (1.0, 10.0, 1e2, 1e6)
    ]
    assert all(b < a or b == 0 for a, b in pairwise(errors))
    assert errors[-1] < 1e-4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sigmoid", SIGMOIDS)
@pytest.mark.parametrize("n", [2, 7, 33])
def test_mixing_is_doubly_stochastic(kind, sigmoid, n):
    found = matrices(drawn(3, n, dtype=torch.float32)[0], network=kind, sigmoid=sigmoid, steepness=3.0)
    assert found.payloads.min() >= 0
    for axis in (1, 2):
        assert torch.allclose(found.payloads.sum(axis), torch.ones(3, n), atol=1e-5)
    # each layer alone: a share stays and the rest changes places, within [0, 1]
    assert found.shares.min() >= 0
    assert found.shares.max() <= 1


def test_sums_are_kept_over_many_layers():
    scores, payloads = drawn(2, 1000, 3, dtype=torch.float32)
    found = soft_sort(scores, payloads.abs(), steepness=5.0)
    assert torch.allclose(found.payloads.sum(1), payloads.abs().sum(1), rtol=1e-5)
    assert torch.allclose(found.undo(found.payloads).sum(1), payloads.abs().sum(1), rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_undoing_is_the_transpose(kind):
    scores, values = drawn(3, 11)
    found = matrices(scores, network=kind)
    assert torch.allclose(found.undo(values), found.payloads.mT @ values)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from(KINDS), st.sampled_from(sorted(SIGMOIDS)))
def test_the_order_of_a_list_does_not_matter(seed, n, kind, sigmoid):
    scores, payloads = drawn(2, n, seed=seed)
    how = {"network": kind, "sigmoid": sigmoid, "steepness": 2.0}
    found = soft_sort(scores, payloads, **how)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    other = soft_sort(scores[:, order], payloads[:, order], **how)
    assert torch.equal(other.payloads, found.payloads)  # sorted: invariant
    assert torch.equal(other.undo(payloads), found.undo(payloads)[:, order])  # undone: equivariant


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from(KINDS), st.sampled_from(["sorted", "listed"]))
def test_padding_never_takes_mass(seed, n, kind, wires):
    """Lists of any length among holes anywhere equal those lists alone; what lies in a hole is not even read."""
    g = torch.Generator().manual_seed(seed)
    scores, payloads = drawn(3, n, seed=seed)
    mask = torch.rand(3, n, generator=g) < 0.6
    scores, payloads = scores.masked_fill(~mask, 1e30).requires_grad_(), payloads.masked_fill(~mask[..., None], 7e8)
    how = {"network": kind, "steepness": 1.0, "wires": wires}
    found = soft_sort(scores, payloads, mask, **how)
    (gradient,) = torch.autograd.grad(found.payloads.square().sum() + found.scores.square().sum(), scores)
    assert (gradient[~mask] == 0).all()
    for row in range(3):
        length = int(mask[row].sum())
        assert (found.payloads[row, length:] == 0).all()
        if length:
            alone = scores.detach()[row, mask[row]][None].requires_grad_()
            bare = soft_sort(alone, payloads[row, mask[row]][None], **how)
            assert torch.allclose(found.payloads[row, :length], bare.payloads[0])
            assert torch.allclose(found.scores[row, :length], bare.scores[0])
            (own,) = torch.autograd.grad(bare.payloads.square().sum() + bare.scores.square().sum(), alone)
            assert torch.allclose(gradient[row, mask[row]], own[0])


def jacobian(sigmoid, kind, point, *, wires):
    how = {"network": kind, "sigmoid": sigmoid, "steepness": 4.0, "wires": wires}
    return torch.autograd.functional.jacobian(lambda s: soft_sort(s[None], s[None, :, None], **how).scores[0], point)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wires", ["sorted", "listed"])
def test_monotonic_sigmoids_never_turn_a_gradient_round(kind, wires):
    axis = torch.tensor([-2.0, -0.7, -0.1, 0.4, 1.5], dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis + 0.03, axis - 0.05, axis + 0.01)[::3]
    least = {
        sigmoid: min(float(jacobian(sigmoid, kind, point, wires=wires).min()) for point in grid) for sigmoid in SIGMOIDS
    }
    assert all(least[sigmoid] >= -1e-12 for sigmoid in MONOTONIC)
    assert least["logistic"] < -0.01  # a better score of an item makes some place worse


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_finite_differences(sigmoid, kind):
    scores, payloads = drawn(2, 6)
    mask = torch.tensor([[True] * 6, [True, False, True, True, True, False]])
    weights = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(1, 6, 2)

    def everything(s, p):
        found = soft_sort(s, p, mask, network=kind, sigmoid=sigmoid, steepness=2.0)
        return found.scores, found.payloads, found.undo(found.payloads * weights)

    assert torch.autograd.gradcheck(everything, (scores.requires_grad_(), payloads.requires_grad_()))


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
def test_slopes_belong_to_their_sigmoids(sigmoid):
    z = torch.linspace(-8, 8, 41, dtype=torch.float64).requires_grad_()
    value, slope = SIGMOIDS[sigmoid](z)
    step = 1e-6
    rise = (SIGMOIDS[sigmoid](z + step)[0] - SIGMOIDS[sigmoid](z - step)[0]) / (2 * step)
    assert torch.allclose(slope, rise, atol=1e-6)
    assert torch.allclose(value + value.flip(0), torch.ones_like(value))  # a swap does not know who comes first


def test_the_sizes_of_the_networks():
    assert [len(bitonic(n)) for n in (2, 4, 16, 1024)] == [1, 3, 10, 55]  # log n (log n + 1) / 2
    assert wiring("bitonic", 1024).pairs == 55 * 512
    assert len(odd_even(9)) == 9
    assert wiring("odd-even", 9).pairs == 9 * 4


def test_half_precision_is_sorted_in_single():
    scores, payloads = drawn(2, 9, dtype=torch.bfloat16)
    found = soft_sort(scores, payloads)
    assert found.payloads.dtype == torch.float32
    assert torch.allclose(found.payloads, soft_sort(scores.float(), payloads.float()).payloads)
