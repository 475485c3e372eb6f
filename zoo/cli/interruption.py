"""What an interrupted command leaves, so that the same command can resume."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RUNS_KEPT = ": finished runs are kept; run the same command again to resume"
TRIALS_KEPT = ": finished trials are kept; run the same command again to resume"
SHARDS_KEPT = ": finished shards are kept; run the same command again to resume"
EPOCHS_KEPT = ": run the same command again to resume from the last saved epoch"


@contextmanager
def say_what_is_kept(results: Path, training: Path) -> Iterator[None]:
    """Add to an interruption what the folders hold; nothing if there is no finished run, trial, shard or checkpoint.

    Args:
        results: The folder of a benchmark, an artifact or lists.
        training: The folder of the checkpoints, at any depth.

    Raises:
        KeyboardInterrupt: The user interrupted the block; its text ends the message of the command.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        kept = ""
        if any((results / "runs").glob("*.json")):
            kept = RUNS_KEPT
        elif any(file.stat().st_size for file in results.glob("tuning/*/trials.jsonl")):
            kept = TRIALS_KEPT
        elif any(results.glob("part-*.parquet")):
            kept = SHARDS_KEPT
        elif any(training.rglob("*.checkpoint.safetensors")):
            kept = EPOCHS_KEPT
        raise KeyboardInterrupt(f"{error}{kept}") from error
