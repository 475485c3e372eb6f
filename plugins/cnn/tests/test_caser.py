"""Caser against its paper's formulas, and the users' vectors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from shopzoo_cnn.caser import Caser
from shopzoo_cnn.params import CaserParams

from zoo.api import Queries


def small(**params):
    return Caser(CaserParams(**{"dim": 6, "length": 12, "horizontal": 3, "vertical": 2, "dropout": 0.0, **params}))


def by_the_paper(encoder, table, items, user, window):
    """Return the vector after the last of some items: one window, one filter and one place at a time."""
    image = np.zeros((window, table.shape[1]))
    recent = items[-window:]
    image[window - len(recent) :] = table[recent] * table.shape[1] ** 0.5
    across = []
    for conv in encoder.horizontal:
        for kernel, bias in zip(conv.weight.numpy(), conv.bias.numpy(), strict=True):  # kernel [D, height]
            height = kernel.shape[1]
            values = [(image[i : i + height] * kernel.T).sum() + bias for i in range(window - height + 1)]
            across.append(max(max(value, 0) for value in values))
    vertical = encoder.vertical
    along = [
        sum(weight * row for weight, row in zip(weights, image, strict=True)) + bias
        for weights, bias in zip(vertical.weight.numpy(), vertical.bias.numpy(), strict=True)
    ]
    seen = np.concatenate([across, np.stack(along, 1).ravel()])  # [D, vertical], as the layer counts them
    z = np.maximum(encoder.mix.weight.numpy() @ seen + encoder.mix.bias.numpy(), 0)
    vector = encoder.out.weight.numpy() @ z + encoder.out.bias.numpy()
    return vector if user is None else vector + encoder.users.weight.numpy()[user]


@pytest.mark.parametrize("window", [1, 3, 5])
@pytest.mark.parametrize("user_vectors", [False, True])
def test_every_position_has_the_vector_of_the_paper(cycle, fit, window, user_vectors):
    predictor = fit(small(window=window, user_vectors=user_vectors), cycle, max_epochs=3)
    batch = Queries.of_histories(cycle)[:6].batch(12)
    with torch.no_grad():
        encoder, table = predictor.network.encoder, predictor.network.items.weight.numpy()
        vectors = encoder(batch).numpy()
        for row, (items, length) in enumerate(zip(batch.items.tolist(), batch.lengths.tolist(), strict=True)):
            for at in range(length):
                user = row + 1 if user_vectors else None
                expected = by_the_paper(encoder, table, items[: at + 1], user, window)
                np.testing.assert_allclose(vectors[row, at], expected, rtol=1e-4, atol=1e-5)


def test_what_lies_before_the_window_is_not_read(cycle, fit):
    predictor = fit(small(window=3), cycle)
    batch = Queries.of_histories(cycle).batch(12)
    other = batch.items.clone()
    other[:, 0] = other[:, 0] % 15 + 1
    with torch.no_grad():
        before, after = (predictor.network.encoder(b) for b in (batch, replace(batch, items=other)))
    torch.testing.assert_close(before[:, 3:], after[:, 3:], rtol=0, atol=1e-6)
    assert not torch.allclose(before[:, 2], after[:, 2])


def test_a_user_outside_training_is_read_by_the_window_alone(cycle, fit):
    predictor = fit(small(user_vectors=True), cycle, max_epochs=3)
    batch = Queries.of_histories(cycle).batch(12)
    users = predictor.network.encoder.users.weight.detach()
    assert (users[0] == 0).all()
    assert (users[1:].norm(dim=1) > 0).all()
    with torch.no_grad():
        own, nobody = (
            predictor.network.encoder(b) for b in (batch, replace(batch, users=torch.zeros_like(batch.users)))
        )
    torch.testing.assert_close(own - nobody, users[1:, None].expand_as(own), rtol=0, atol=1e-6)
