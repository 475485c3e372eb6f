"""Shares of several ranks, and the one number that comes of them."""

import json

import pytest
import torch
from torch import multiprocessing

from zoo.stages.ranks import RankMean, own_share

VALUES = torch.linspace(0, 1, 7, dtype=torch.float64) ** 2


def mean():
    mine, found = VALUES[own_share()], RankMean()
    found.update(float(mine.sum()), len(mine))
    return float(found.compute())


def rank(number, ranks, folder):
    torch.distributed.init_process_group("gloo", f"file://{folder}/store", rank=number, world_size=ranks)
    (folder / f"{number}.json").write_text(json.dumps(mean()))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("ranks", [2, 9])
def test_all_ranks_have_the_mean_of_all_values(tmp_path, ranks):
    """Nine ranks: two of them have no value."""
    multiprocessing.start_processes(rank, (ranks, tmp_path), ranks, start_method="fork")
    found = {json.loads((tmp_path / f"{number}.json").read_text()) for number in range(ranks)}
    assert len(found) == 1
    assert found.pop() == pytest.approx(float(VALUES.mean()), rel=1e-14)


def test_alone_a_rank_has_everything():
    assert mean() == float(VALUES.sum()) / len(VALUES)
