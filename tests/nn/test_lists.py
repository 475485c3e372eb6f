"""What a scorer reads of a list, against loops over its values."""

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from sklearn.metrics import ndcg_score

from zoo.nn.lists import ListInputs, list_ndcg, ranks_in_lists
from zoo.nn.scorers import MLPScorer, SetScorer


@pytest.fixture
def lists() -> tuple[torch.Tensor, torch.Tensor]:
    """Return features `[5, 7, 3]` with ties and gaps, and the mask of lists of 7, 4, 1, 2 and 0 candidates."""
    g = torch.Generator().manual_seed(0)
    features = torch.randint(0, 5, (5, 7, 3), generator=g).float()
    features[torch.rand(features.shape, generator=g) < 0.2] = torch.nan
    mask = torch.arange(7) < torch.tensor([7, 4, 1, 2, 0])[:, None]
    return features.masked_fill(~mask[..., None], 99.0), mask


def test_ranks_are_those_of_scipy_list_by_list(lists: tuple[torch.Tensor, torch.Tensor]) -> None:
    features, mask = lists
    found = ranks_in_lists(features, mask)

    for row in range(len(features)):
        for column in range(3):
            values = features[row, :, column][mask[row]].numpy()
            there = ~np.isnan(values)
            expected = np.zeros(len(values))
            if there.sum() > 1:
                expected[there] = 2 * (rankdata(values[there]) - 1) / (there.sum() - 1) - 1
            assert found[row, :, column][mask[row]].numpy() == pytest.approx(expected, abs=1e-6)
    assert (found[~mask] == 0).all()


def test_values_are_standardised_over_what_is_there(lists: tuple[torch.Tensor, torch.Tensor]) -> None:
    features, mask = lists
    flat = torch.cat([features[mask], torch.full((len(features[mask]), 1), 3.0)], dim=1)
    inputs = ListInputs.of(flat, "values")
    read = inputs(torch.cat([features, torch.full((5, 7, 1), 3.0)], dim=-1), mask)

    z = (flat - flat.nanmean(0)) / torch.from_numpy(np.nanstd(flat.numpy(), axis=0))
    expected = z[:, :3].sign() * z[:, :3].abs().log1p()
    assert read[mask][:, :3].numpy() == pytest.approx(expected.nan_to_num(0.0).numpy(), abs=1e-5)
    assert (read[..., 3] == 0).all()  # it never varies
    assert inputs.steady.tolist() == [False, False, False, True]
    assert torch.equal(read[mask][:, 4:], flat[:, :3].isnan().float())
    assert read.shape[-1] == inputs.width
    assert (read[~mask] == 0).all()


def test_ndcg_is_scikit_learns(lists: tuple[torch.Tensor, torch.Tensor]) -> None:
    _, mask = lists
    g = torch.Generator().manual_seed(1)
    labels, scores = torch.randint(0, 4, mask.shape, generator=g).float(), torch.rand(mask.shape, generator=g)
    labels[2] = 0.0
    found = list_ndcg(scores, labels, mask, 3)

    for row in (0, 1, 3):
        gain, given = (2 ** labels[row][mask[row]] - 1).numpy(), scores[row][mask[row]].numpy()
        assert float(found[row]) == pytest.approx(ndcg_score([gain], [given], k=3))
    assert found[[2, 4]].isnan().all()  # nothing to gain


@pytest.mark.parametrize("kind", [MLPScorer(3, 8, 2, 0.0), SetScorer(3, 8, 2, 2, 0.0)])
def test_scores_follow_their_candidates_and_know_nothing_of_padding(kind: torch.nn.Module) -> None:
    g = torch.Generator().manual_seed(2)
    inputs, mask = torch.randn(3, 6, 3, generator=g), torch.arange(6) < torch.tensor([6, 4, 2])[:, None]
    inputs = inputs * mask[..., None]
    order = torch.tensor([5, 2, 0, 1, 4, 3])
    with torch.no_grad():
        scores = kind(inputs, mask)
        assert torch.allclose(kind(inputs[:, order], mask[:, order]), scores[:, order], atol=1e-5)
        assert torch.allclose(kind(inputs[1:2, :4], mask[1:2, :4]), scores[1:2, :4], atol=1e-5)
        assert not torch.allclose(scores[0], scores[0].mean().expand(6))
