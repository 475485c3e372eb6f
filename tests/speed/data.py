"""How long it takes, and how much memory, to read, sort and split a log. Prints a JSON line a size.

    python tests/speed/data.py [EVENTS ...]      2,000,000 and 20,000,000 by default

Events are drawn with numpy (a user for each 20, an item for each 100, Zipf popularity, 90 days, in no order) and written
to parquet beforehand; each size is measured in a fresh process, whose peak is what the kernel says it was.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def write(n: int, file: Path) -> None:
    """Write a log of n events, with a column that nobody asks for."""
    rng = np.random.default_rng(0)
    columns = {
        "user_id": rng.integers(0, max(n // 20, 1), n),
        "item_id": (rng.zipf(1.2, n) - 1) % max(n // 100, 1000),
        "timestamp": 1_500_000_000_000 + rng.integers(0, 90 * 86_400_000, n),
        "price": rng.random(n).astype(np.float32),
    }
    pq.write_table(pa.table(columns), file, compression="zstd")


def measure(file: Path) -> dict[str, float]:
    """Read, sort and split a log, and take the training events of the final fit."""
    from zoo.config.experiment import DataSettings, EvaluateSettings
    from zoo.config.split_settings import Temporal
    from zoo.data.dataset_params import FilesParams
    from zoo.data.files import Files
    from zoo.data.log import read_data
    from zoo.data.task import Task

    base, used = peak_gib(), cpu_seconds()
    start = time.perf_counter()
    data = read_data(Files(FilesParams(interactions=[str(file)])).read(), DataSettings(source="files"))
    read = time.perf_counter()
    task = Task.of(data.log, Temporal(), EvaluateSettings(), data.catalogue, user_ids=data.user_ids)
    cut = time.perf_counter()
    training = task.training("test")
    end = time.perf_counter()
    return {
        "events": len(data.log),
        "users": data.log.n_users,
        "items": data.log.n_items,
        "training_events": len(training),
        "test_queries": len(task.queries("test")),
        "read_and_sort_s": round(read - start, 2),
        "split_and_queries_s": round(cut - read, 2),
        "training_log_s": round(end - cut, 2),
        "total_s": round(end - start, 2),
        "cpu_s": round(cpu_seconds() - used, 2),
        "imports_gib": round(base, 2),
        "peak_gib": round(peak_gib(), 2),
    }


def peak_gib() -> float:
    """Return the largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def cpu_seconds() -> float:
    """Return the processor time that this process has used: what another load on the machine leaves alone."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Do what the arguments say."""
    if sys.argv[1:2] == ["--write"]:
        write(int(sys.argv[2]), Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        compare([int(n) for n in sys.argv[1:]] or [2_000_000, 20_000_000])


def compare(sizes: list[int]) -> None:
    """Write and measure each size in processes of their own: a child's peak counts from its parent's size."""
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            file = Path(folder) / f"{n}.parquet"
            subprocess.run([sys.executable, __file__, "--write", str(n), str(file)], check=True)
            done = subprocess.run(
                [sys.executable, __file__, "--measure", str(file)], stdout=subprocess.PIPE, check=True
            )
            print(done.stdout.decode().strip(), flush=True)
            file.unlink()


if __name__ == "__main__":
    main()
