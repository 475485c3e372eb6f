"""Reports on small tables and on the built-in shop."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.config.load import experiment_from, load_data_experiment
from zoo.data.analysis.analyse import analyse
from zoo.data.dataset import read_tables
from zoo.registry.registry import registry_with


@pytest.fixture
def report_on(tmp_path):
    """Return a function that writes tables to files and returns their report."""

    def report(events, items=None):
        files = []
        for name, table in (("events", events), ("items", items)):
            if table is not None:
                pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), tmp_path / f"{name}.parquet")
                files.append(tmp_path / f"{name}.parquet")
        return analyse(load_data_experiment(*files, registry=registry_with()), "events.parquet", guess=True)

    return report


@pytest.fixture(scope="session")
def shop():
    """Return the tables of the built-in shop, its events in the order of their times."""
    raw = {"data": {"source": {"name": "synthetic-shop", "customers": 600, "items": 300, "events": 24_000}}}
    experiment = experiment_from({**raw, "model": [{"predictor": "popular"}]})
    return read_tables(experiment.source.build())
