"""The item table: vectors of items that have a vector of their own, features, or both."""

import numpy as np
import pytest
import scipy.sparse
import torch

from zoo.nn.features import FeatureProjection
from zoo.nn.items import ItemTable
from zoo.nn.sparse import csr_tensor, of_parts, parts_of

KNOWN = torch.tensor([False, True, True, False, True, False])


@pytest.fixture
def features():
    """Return features `[6, 7]` of which item 3, unknown in training, has some, and item 4 none, nor item 5, unknown too."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 7)) * (rng.random((6, 7)) < 0.5)
    values[[0, 4, 5]] = 0
    return torch.from_numpy(values.astype(np.float32))


@pytest.fixture(params=["dense", "sparse"])
def laid_out(request, features):
    """Return the same features in a layout."""
    return features if request.param == "dense" else csr_tensor(scipy.sparse.csr_matrix(features.numpy()))


def table(features, **options):
    torch.manual_seed(0)
    return ItemTable(KNOWN, 4, features=features, std=1.0, **options)


def test_a_vector_is_the_items_own_plus_its_projected_features(features, laid_out):
    made = table(laid_out)
    lengths = features.norm(dim=1)[KNOWN]
    expected = made.weight + features @ made.projection.weight / lengths[lengths > 0].mean()
    torch.testing.assert_close(made.vectors(), expected)
    assert (made.weight[[0, 3]] == 0).all()
    items = torch.tensor([[3, 1, 0], [1, 4, 3]])
    for training in (True, False):
        made.train(training)
        torch.testing.assert_close(made.outputs(items), expected[items] * (items > 0)[:, :, None])
        torch.testing.assert_close(made.inputs(items), 2 * made.outputs(items))
    alone = table(laid_out, ids=False)
    torch.testing.assert_close(alone.vectors(), features @ alone.projection.weight / lengths[lengths > 0].mean())
    assert [name for name, _ in alone.named_parameters()] == ["projection.weight"]


def test_rows_are_those_of_the_whole_and_so_are_their_gradients(laid_out):
    torch.manual_seed(0)
    projection = FeatureProjection(laid_out, KNOWN, 4, 1.0)
    for items in (torch.tensor([3, 1, 3, 4]), torch.zeros(0, dtype=torch.int64)):
        grads = []
        for vectors in (projection.rows(items), projection()[items]):
            projection.weight.grad = None
            (vectors * torch.arange(1.0, len(items) + 1)[:, None]).sum().backward()
            grads.append((vectors.detach(), projection.weight.grad))
        torch.testing.assert_close(*grads)


def test_an_item_outside_training_is_scored_by_its_features_alone(features, laid_out):
    hidden = torch.randn(2, 4)
    assert (table(None).all_logits(hidden)[:, ~KNOWN] == -torch.inf).all()
    made = table(laid_out)
    expected = hidden @ made.vectors().T
    expected[:, [0, 5]] = -torch.inf  # no vector, no features
    torch.testing.assert_close(made.all_logits(hidden), expected)
    expected = hidden @ table(laid_out, ids=False).vectors().T
    expected[:, [0, 4, 5]] = -torch.inf
    torch.testing.assert_close(table(laid_out, ids=False).all_logits(hidden), expected)
    assert (made.mask == torch.where(KNOWN, 0.0, -torch.inf)).all()  # in a loss it stands against nothing


def test_vectors_are_kept_while_nothing_changes_and_made_anew_after_training(features):
    made = table(features).eval()
    with torch.no_grad():
        assert made.vectors() is made.vectors()
    assert made.vectors().requires_grad
    before = made.vectors().detach()
    made.train()
    with torch.no_grad():
        made.projection.weight.mul_(2)
    made.eval()
    assert not torch.equal(made.vectors(), before)


def test_what_a_new_item_is_changes_nothing_for_the_others(features):
    other = features.clone()
    other[3] *= 1000
    torch.testing.assert_close(table(other).vectors()[KNOWN], table(features).vectors()[KNOWN])


def test_sparse_updates_stay_sparse_whatever_the_size_of_the_batch(laid_out):
    for items in (torch.tensor([1, 2]), torch.tensor([1, 2, 4, 1, 2, 4])):
        made = table(laid_out, sparse=True).train()
        made.outputs(items).sum().backward()
        assert made.weight.grad.is_sparse


def test_features_of_double_precision_are_taken_as_single(laid_out):
    double = laid_out.to(torch.float64)
    torch.testing.assert_close(table(double).vectors(), table(laid_out).vectors())


def test_features_of_another_width_are_refused(features):
    with pytest.raises(ValueError, match="expected 7 columns of features, found 6"):
        table(features).projection.take(features[:, :6])
    with pytest.raises(ValueError, match="no item embeddings"):
        _ = table(features, ids=False).own


def test_parts_make_the_matrix_again(laid_out):
    again = of_parts(parts_of(laid_out), 7)
    assert again.layout == laid_out.layout
    assert torch.equal(again.to_dense(), laid_out.to_dense())
