from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_mf.elsa import ELSA, HistoryBatch, HistoryBatches, LinearAutoencoder
from shopzoo_mf.params import ELSAParams, choose_batch_size

from zoo.api import Interactions, Queries, RunContext, TrainingData, TrainingError


def batch_of(matrix):
    """Return all rows of a matrix as one batch."""
    return next(iter(HistoryBatches(matrix, matrix.shape[0], np.random.default_rng(0))))


def network_of(log, dim=3, seed=0):
    """Return a network in float64 whose weights have different lengths."""
    torch.manual_seed(seed)
    network = LinearAutoencoder(torch.from_numpy(log.known), dim).double()
    network.weight.data.mul_(torch.rand(len(network.weight), 1, dtype=torch.float64) * 50 + 10)
    return network


def dense_loss(weight, histories):
    """Return the loss as the paper writes it, with the dense predictions of all items."""
    vectors = torch.nn.functional.normalize(weight, dim=1)
    predictions = histories @ vectors @ vectors.T - histories
    unit = [torch.nn.functional.normalize(part, dim=1) for part in (histories, predictions)]
    return (unit[0] - unit[1]).square().sum(1).mean()


@given(st.data(), st.integers(1, 12), st.integers(0, 3))
def test_loss_and_gradient_are_those_of_dense_predictions(logs, data, dim, seed):
    matrix = (log := data.draw(logs)).matrix(binary=True)
    matrix = matrix[np.diff(matrix.indptr) > 1]
    if not matrix.shape[0]:
        return
    network, histories = network_of(log, dim, seed), torch.from_numpy(matrix.toarray()).double()
    batch = batch_of(matrix)
    loss = network.loss(replace(batch, sizes=batch.sizes.double()))
    expected = dense_loss(network.weight, histories)
    # Where a prediction is zero, the direction of both is arbitrary.
    vectors = network.vectors()
    if ((histories @ vectors @ vectors.T - histories).norm(dim=1) < 1e-2).any():
        return
    torch.testing.assert_close(loss, expected, atol=1e-8, rtol=1e-8)
    own, dense = (torch.autograd.grad(value, network.weight)[0] for value in (loss, expected))
    torch.testing.assert_close(own, dense, atol=1e-8, rtol=1e-6)


def test_the_gradient_is_that_of_finite_differences(clustered):
    log = Interactions.from_arrays(clustered.users[:60], clustered.items[:60], n_items=clustered.n_items)
    batch = batch_of(log.matrix(binary=True))
    batch, network = replace(batch, sizes=batch.sizes.double()), network_of(log)

    def loss(weight):
        return torch.func.functional_call(Loss(network), {"network.weight": weight}, (batch,))

    assert torch.autograd.gradcheck(loss, network.weight.detach().clone().requires_grad_())


class Loss(torch.nn.Module):
    """Calls the loss of a network as `forward`."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, batch):
        return self.network.loss(batch)


def trained(log, fitted_seed=0, epochs=5, dim=8, **settings):
    context = RunContext(fitted_seed, epochs=epochs)
    settings = context.training.settings.model_copy(update=settings)
    model = ELSA(ELSAParams(dim=dim))
    model.fit(TrainingData.of(log), context.for_training(settings=settings))
    return model


@given(st.data())
def test_scores_are_those_of_the_dense_matrix(logs, data):
    log = data.draw(logs)
    model = ELSA(ELSAParams(dim=4))
    model.items = network_of(log, 4).vectors().float()
    histories = torch.from_numpy(log.matrix(binary=True).toarray())
    dense = model.items @ model.items.T - torch.diag(torch.from_numpy(log.known).float())
    torch.testing.assert_close(model.score(Queries.of_histories(log)), histories @ dense, atol=1e-5, rtol=1e-5)


def test_vectors_have_length_1_and_unknown_items_none(clustered):
    lengths = trained(clustered).items.norm(dim=1)
    torch.testing.assert_close(lengths, torch.from_numpy(clustered.known).float())


def test_each_epoch_reads_every_user_once(clustered):
    matrix = clustered.matrix(binary=True)
    batches = HistoryBatches(matrix, 7, np.random.default_rng(0))
    for _ in range(2):
        found = list(batches)
        assert len(found) == len(batches) == 9
        assert sum(len(batch.offsets) for batch in found) == 60
        counts = np.bincount(torch.cat([batch.items for batch in found]).numpy(), minlength=33)
        assert counts.tolist() == np.asarray(matrix.sum(axis=0)).ravel().tolist()


def test_a_user_with_one_item_has_no_say(clustered):
    single = Interactions.from_arrays(
        np.concatenate([clustered.users, [60, 61, 61]]), np.concatenate([clustered.items, [1, 2, 2]]), n_items=32
    )
    plain = Interactions.from_arrays(clustered.users, clustered.items, n_items=32)
    torch.testing.assert_close(trained(single, batch_size=20).items, trained(plain, batch_size=20).items)


def test_a_log_without_pairs_is_refused():
    log = Interactions.from_arrays(np.array([0, 0, 1]), np.array([1, 1, 2]))
    with pytest.raises(TrainingError) as refused:
        trained(log)
    assert str(refused.value) == (
        "elsa: no user has two different items in training, so there is nothing to predict an item from. Use `popular`."
    )


def test_what_the_user_does_not_set_is_chosen_and_recorded(clustered):
    assert trained(clustered).trained.chosen == {
        "learning_rate": 0.03, "max_epochs": 50, "patience": 5, "batch_size": 32,
    }  # fmt: skip
    assert "batch_size" not in trained(clustered, batch_size=8).trained.chosen
    assert [choose_batch_size(n) for n in (1, 6040, 30_000, 10**6, 10**8)] == [32, 64, 256, 8192, 8192]


def test_a_new_user_is_served_like_a_known_one_of_the_same_history(clustered):
    model = trained(clustered)
    history = clustered.items[clustered.offsets[3] : clustered.offsets[4]]
    new = Interactions.from_arrays(np.zeros(len(history), int), history, n_items=clustered.n_items)
    torch.testing.assert_close(
        model.score(Queries.of_histories(new))[0], model.score(Queries.of_histories(clustered))[3]
    )


def test_a_batch_moves_to_a_device():
    batch = HistoryBatch(torch.tensor([1, 2]), torch.tensor([0]), torch.tensor([2.0]))
    assert {part.device.type for part in vars(batch.to("meta")).values()} == {"meta"}
