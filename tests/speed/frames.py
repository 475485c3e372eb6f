"""How long `zoo.read_log` takes for a data frame of 1 M events, as a ratio to a Parquet file of the same rows. Prints a JSON line a kind.

Ids are integers, then texts. All sources are read by turns, three times; the best processor times are compared. Frames of
polars and DuckDB are measured where these are installed.
"""

import json
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

import zoo

EVENTS, ROUNDS = 1_000_000, 3


def sources(frame, folder):
    """Return the events as tables of several libraries, and as a file."""
    file = Path(folder) / "events.parquet"
    frame.to_parquet(file)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    found = {"parquet": file, "pandas": frame, "pyarrow": table}
    if find_spec("polars"):
        import polars

        found["polars"] = polars.from_arrow(table)
    if find_spec("duckdb"):
        import duckdb

        found["duckdb"] = duckdb.from_arrow(table)
    return found


def main():
    """Measure and print a line a kind of ids."""
    rng = np.random.default_rng(0)
    numbers = {"user_id": rng.integers(0, 50_000, EVENTS), "item_id": rng.integers(0, 20_000, EVENTS)}
    times = pd.to_datetime(rng.integers(1_600_000_000, 1_700_000_000, EVENTS), unit="s")
    for kind in ("integers", "texts"):
        ids = {k: v if kind == "integers" else [f"{k[0]}{i}" for i in v] for k, v in numbers.items()}
        frame = pd.DataFrame({**ids, "timestamp": times, "price": rng.random(EVENTS)})
        with tempfile.TemporaryDirectory() as folder:
            tables = sources(frame, folder)
            best = dict.fromkeys(tables, float("inf"))
            for _ in range(ROUNDS):
                for name, table in tables.items():
                    start = time.process_time()
                    zoo.read_log(table)
                    best[name] = min(best[name], time.process_time() - start)
        ratios = {f"{name}_ratio": round(best[name] / best["parquet"], 2) for name in tables if name != "parquet"}
        print(json.dumps({"what": f"read_log, {kind}", "parquet_s": round(best["parquet"], 3), **ratios}), flush=True)


if __name__ == "__main__":
    main()
