"""How long it takes, and how much memory, to read, sort and split a log, and to prepare it out of core. Prints JSON lines.

    python tests/speed/data.py [EVENTS ...]      2,000,000 and 20,000,000 by default
    python tests/speed/data.py 200000000         10 million users, one million items: out of core alone

Events are drawn with numpy (a user for each 20, an item for each 100, Zipf popularity, 90 days, in no order) and written
to parquet beforehand; each size is measured in a fresh process, whose peak is what the kernel says it was.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

IN_MEMORY = 50_000_000
"""The most events that are also read into memory."""
PART = 10_000_000


def write(n: int, file: Path) -> None:
    """Write a log of n events, with a column that nobody asks for."""
    rng = np.random.default_rng(0)
    items = min(max(n // 100, 1000), 1_000_000)
    kinds = [("user_id", pa.int64()), ("item_id", pa.int64()), ("timestamp", pa.int64()), ("price", pa.float32())]
    with pq.ParquetWriter(file, pa.schema(kinds), compression="zstd") as writer:
        for start in range(0, n, PART):
            m = min(PART, n - start)
            columns = [
                rng.integers(0, max(n // 20, 1), m),
                (rng.zipf(1.2, m) - 1) % items,
                1_500_000_000_000 + rng.integers(0, 90 * 86_400_000, m),
                rng.random(m).astype(np.float32),
            ]
            writer.write_table(pa.table(columns, schema=writer.schema))


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


def prepare(file: Path) -> dict[str, float]:
    """Prepare a log out of core, or open it if that was done."""
    from zoo.config.experiment import DataSettings
    from zoo.data.dataset_params import FilesParams
    from zoo.data.files import Files
    from zoo.data.prepared.folder import read_manifest
    from zoo.data.prepared.prepare import Source
    from zoo.data.prepared.prepare import prepare as prepare_source

    base, start = peak_gib(), time.perf_counter()
    tables = Files(FilesParams(interactions=[str(file)])).read()
    source = Source.of(tables, DataSettings(source="files"), sessions_as_users=False)
    prepared = read_manifest(source.folder)
    task = "open_s" if prepared else "prepare_s"
    log = source.open(prepared or prepare_source(source)).log
    seconds = time.perf_counter() - start
    rate = {} if prepared else {"events_per_s": round(len(log) / seconds)}
    size = (prepared or read_manifest(source.folder)).size
    return {
        "events": len(log),
        task: round(seconds, 3),
        **rate,
        "folder_mib": round(size / 2**20),
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
    elif sys.argv[1:2] == ["--prepare"]:
        print(json.dumps(prepare(Path(sys.argv[2]))))
    else:
        compare([int(n) for n in sys.argv[1:]] or [2_000_000, 20_000_000])


def compare(sizes: list[int]) -> None:
    """Write and measure each size in processes of their own: a child's peak counts from its parent's size."""
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            file = Path(folder) / f"{n}.parquet"
            subprocess.run([sys.executable, __file__, "--write", str(n), str(file)], check=True)
            environment = {**os.environ, "ZOO_CACHE": str(Path(folder) / "cache")}
            for task in [*(["--measure"] if n <= IN_MEMORY else []), "--prepare", "--prepare"]:
                command = [sys.executable, __file__, task, str(file)]
                done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment)
                print(done.stdout.decode().strip(), flush=True)
            file.unlink()


if __name__ == "__main__":
    main()
