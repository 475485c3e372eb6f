"""What is drawn, how often, and that the logQ weights make a sample stand for the catalogue."""

import numpy as np
import pytest
import scipy.stats
import torch

from zoo.nn.negatives import Sampler

COUNTS = torch.tensor([0, 5, 0, 1, 30, 4, 0, 10])
KNOWN = [1, 3, 4, 5, 7]
SHARE = COUNTS.numpy() / 50


def sampler(sampling, number=40, seed=0):
    return Sampler(COUNTS, number, sampling, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("sampling", "expected"), [("uniform", np.full(5, 0.2)), ("popularity", SHARE[KNOWN])])
def test_items_are_drawn_as_often_as_they_should(sampling, expected):
    items, log_q = sampler(sampling, 20_000).draw(torch.tensor([1]))
    counts = np.bincount(items.numpy(), minlength=8)
    assert counts.sum() == counts[KNOWN].sum() == 20_000  # what is outside training is never drawn
    assert scipy.stats.chisquare(counts[KNOWN], 20_000 * expected).pvalue > 1e-3
    for item, share in zip(KNOWN, expected, strict=True):
        assert log_q[items == item].exp().numpy() == pytest.approx(20_000 * share, rel=1e-5)


def test_in_batch_negatives_are_the_targets_each_once():
    items, log_q = sampler("in-batch").draw(torch.tensor([4, 1, 4, 4, 3]))
    assert items.tolist() == [1, 3, 4]
    np.testing.assert_allclose(log_q.exp(), 1 - (1 - SHARE[[1, 3, 4]]) ** 5, rtol=1e-5)


@pytest.mark.parametrize("sampling", ["uniform", "popularity", "in-batch"])
def test_weighed_by_log_q_a_sample_sums_to_the_catalogue_in_the_mean(sampling):
    scores = torch.tensor([9.0, 0.3, 9.0, -1.0, 1.2, 0.1, 9.0, -0.5])
    whole = float(scores[KNOWN].exp().sum())
    draw, targets = sampler(sampling), sampler("popularity", 20, seed=1)  # the targets of a batch come by popularity
    sums = []
    for _ in range(3000):
        items, log_q = draw.draw(targets.draw(torch.zeros(0)).items)
        sums.append(float((scores[items] - log_q).exp().sum()))
    assert abs(np.mean(sums) - whole) < 4 * np.std(sums) / np.sqrt(len(sums))


def test_a_stream_of_one_seed_is_drawn_again():
    for sampling in ("uniform", "popularity"):
        first, second = (sampler(sampling, seed=3).draw(torch.tensor([1])).items for _ in range(2))
        assert first.tolist() == second.tolist()
        assert first.tolist() != sampler(sampling, seed=4).draw(torch.tensor([1])).items.tolist()
