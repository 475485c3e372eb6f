"""Train one network in several processes of a cluster, which Ray Train starts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from zoo.api import TrainingError

RETRIES = 3
"""How often a training is started again whose worker or node is lost; it resumes from its checkpoint."""


@dataclass(frozen=True)
class RayLauncher:
    """Starts the processes of a training.

    Attributes:
        folder: The folder of the results, which all nodes see.
        start: The folder of the command, to which paths are relative.
        needs: What Ray reserves for each process, by its names: `CPU`, `GPU`, `memory`.
    """

    folder: Path
    start: Path
    needs: Mapping[str, float]

    def launch(self, rank: Callable[[], None], devices: int, nodes: int | None) -> None:
        """Call `rank` in several workers, and wait until all have ended.

        Raises:
            TrainingError: Workers were lost too often. An error of `rank` is a `TrainingFailedError` of Ray.
        """
        import ray.train
        from ray.train.torch import TorchTrainer

        # On one machine, on one each, or else where there is room: the processes look whether each machine has as many.
        place, cards = {1: "STRICT_PACK", devices: "STRICT_SPREAD"}.get(nodes or 0, "PACK"), "GPU" in self.needs
        scaling = ray.train.ScalingConfig(
            num_workers=devices, use_gpu=cards, resources_per_worker=dict(self.needs), placement_strategy=place
        )
        for left in reversed(range(RETRIES + 1)):
            with tempfile.TemporaryDirectory(prefix=".ray-", dir=self.folder) as name:
                work = partial(_be_a_rank, rank, Path(name), self.start, cards=cards)
                run = ray.train.RunConfig(name="ray", storage_path=name)
                try:
                    TorchTrainer(work, scaling_config=scaling, run_config=run).fit()
                except ray.train.WorkerGroupError as error:
                    lost = [why for at, why in error.worker_failures.items() if not Path(name, f"{at}.raised").exists()]
                    if not lost:
                        raise
                    if not left:
                        text, then = (
                            " ".join(str(lost[0]).split()),
                            "Run the same command again to resume the training.",
                        )
                        raise TrainingError(f"Ray lost a process of the training: {text} {then}") from error
                else:
                    return


def _be_a_rank(rank: Callable[[], None], files: Path, start: Path, *, cards: bool) -> None:
    """Train as one process, and note in a file that it raised an error: without it, the process was lost."""
    os.chdir(start)  # Ray Train has put the worker into a folder of its own
    if not cards:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        rank()
    except BaseException:
        (files / f"{os.environ['RANK']}.raised").touch()
        raise
