"""Files of events, and both ways to read them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.config.experiment import DataSettings
from zoo.data.dataset_params import FilesParams
from zoo.data.files import Files
from zoo.data.fingerprint import fingerprint
from zoo.data.log import read_data
from zoo.data.prepared.build_log import OutOfCore
from zoo.data.prepared.prepare import Source, open_data


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Return a cache of the test alone."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prepared"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a table, and returns its path."""

    def written(name="events.parquet", **columns):
        pq.write_table(pa.table(columns), tmp_path / name, row_group_size=100)
        return str(tmp_path / name)

    return written


class Logs:
    """Files of events, and the ways to read them."""

    @staticmethod
    def draw(n=1000, seed=0, **further):
        """Return columns of events with many ties, in no order."""
        rng = np.random.default_rng(seed)
        return {
            "user_id": [f"u{number}" for number in rng.integers(0, 40, n)],
            "item_id": rng.integers(0, 60, n),
            "timestamp": 1_700_000_000_000 + 1000 * rng.integers(0, 200, n),
            "event": rng.choice(["view", "cart", "purchase"], n).tolist(),
            "price": rng.random(n),
            **further,
        }

    @staticmethod
    def settings(**settings):
        """Return the settings of `[data]`."""
        return DataSettings.model_validate({"source": "files", **settings})

    @staticmethod
    def tables(*files, items=(), users=()):
        """Return the tables of files, read anew."""
        return Files(FilesParams(interactions=list(files), items=list(items), users=list(users))).read()

    def source(self, *files, items=(), users=(), **settings):
        """Return files with their settings."""
        return Source.of(
            self.tables(*files, items=items, users=users), self.settings(**settings), sessions_as_users=False
        )

    def in_memory(self, *files, items=(), users=(), sessions_as_users=False, **settings):
        """Return the data of files as they are read into memory."""
        tables = self.tables(*files, items=items, users=users)
        return read_data(tables, self.settings(**settings), sessions_as_users=sessions_as_users)

    def out_of_core(self, folder, *files, items=(), sessions_as_users=False, **settings):
        """Return the data of files as they are sorted into a folder."""
        folder.mkdir()
        tables = self.tables(*files, items=items)
        build_log = OutOfCore(tables.interactions, folder)
        kept = self.settings(**settings)
        return read_data(tables, kept, sessions_as_users=sessions_as_users, build_log=build_log)

    def opened(self, *files, items=(), users=(), **settings):
        """Return the data of files as every command opens them."""
        return open_data(self.tables(*files, items=items, users=users), self.settings(**settings))

    @staticmethod
    def content(data, column=None):
        """Return what is known of the data, for comparisons."""
        log = data.log
        values = log.column(column).to_pylist() if column else None
        return (
            fingerprint(log, data.catalogue, data.user_ids, data.users),
            data.notes,
            list(data.notes),
            log.rows.tolist(),
            values,
        )


@pytest.fixture
def logs():
    """Return files of events, and the ways to read them."""
    return Logs()
