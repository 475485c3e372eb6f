"""How long a CSV file of 400,000 rows takes with pyarrow and with `datasets`, by turns; prints a JSON line an ending.

    python tests/speed/csv_files.py

The best processor time of two rounds is compared. A file is read by `datasets` only where pyarrow refuses it.
"""

import json
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa

from zoo.data.files import file_table

ROWS, ROUNDS = 400_000, 2


def write(file: Path, kind: str | None) -> None:
    """Write events with a text that nobody asks for."""
    rng = np.random.default_rng(0)
    users, items, times = (rng.integers(0, most, ROWS) for most in (20_000, 5_000, 10**9))
    lines = (f"{u:07},i{i},{t},{t / 1e7:.2f},a note\n" for u, i, t in zip(users, items, times, strict=True))
    with pa.output_stream(str(file), compression=kind) as out:
        out.write(("user_id,item_id,timestamp,price,note\n" + "".join(lines)).encode())


def seconds(file: Path) -> float:
    """Read three columns."""
    start = time.process_time()
    assert file_table(file).select(["user_id", "item_id", "timestamp"]).num_rows == ROWS
    return time.process_time() - start


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        for ending, kind in (("csv", None), ("csv.gz", "gzip"), ("csv.zst", "zstd")):
            file = Path(folder) / f"events.{ending}"
            write(file, kind)
            own, other = [], []
            for _ in range(ROUNDS):
                own.append(seconds(file))
                with mock.patch("zoo.data.files.read_csv", return_value=None):
                    other.append(seconds(file))
            line = {"what": ending, "pyarrow_s": round(min(own), 3), "datasets_s": round(min(other), 3)}
            print(json.dumps({**line, "times_as_fast": round(min(other) / min(own), 1)}), flush=True)


if __name__ == "__main__":
    main()
