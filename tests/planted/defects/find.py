"""What the data report and the cleaners find in a shop, in the terms of what was planted."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from defects.kind import FINDING, Level
from defects.shop import Shop
from zoo.config.experiment import DataSettings
from zoo.config.load import load_data_experiment
from zoo.data.analysis.analyse import analyse
from zoo.data.analysis.fault import Fault
from zoo.data.analysis.find_faults import find_faults
from zoo.data.dataset import Tables
from zoo.data.log import read_data, read_events
from zoo.registry.registry import registry_with

Found = frozenset[Hashable]
SIZES = {"split: few-queries", "split: few-validation-queries"}
"""What is true of every small set."""


class Findings:
    """What is found in a shop: each is computed once, when it is asked for."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.tables = Tables(shop.events, shop.items, "the events", "the items")
        self._cleaned: dict[str, tuple[frozenset[int], Found]] = {}

    def by(self, finder: str, level: Level) -> Found:
        """Return what a finder finds: `report: FAULT` or `clean: CLEANER`; `report: FAULT or FAULT` means either."""
        source, _, name = finder.partition(": ")
        if source == "clean":
            rows, pairs = self._clean(name)
            users = self.shop.events["user_id"].to_pylist() if level == "users" else []
            return pairs if level == "pairs" else frozenset(users[r] for r in rows) if level == "users" else rows
        faults = [*self.faults, *(self.of_split if name.startswith("split") else [])]
        found: Found = frozenset()
        for fault in faults:
            if fault.name in name.split(" or "):
                found |= self._things(fault, level)
        return found

    @cached_property
    def faults(self) -> list[Fault]:
        """Return the faults of the data."""
        return find_faults(self._data)

    @cached_property
    def of_split(self) -> list[Fault]:
        """Return the faults of the split that the report proposes."""
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{name}.parquet" for name in ("events", "items")]
            for file, table in zip(files, (self.shop.events, self.shop.items), strict=True):
                pq.write_table(table, file)
            report = analyse(load_data_experiment(*files, registry=registry_with()), self.shop.name, guess=True)
        return [fault for fault in report.faults if fault.name.startswith("split")]

    @property
    def names(self) -> set[str]:
        """Return the names of all findings of the report."""
        return {fault.name for fault in [*self.faults, *self.of_split]} - SIZES

    @cached_property
    def _data(self):
        return read_data(self.tables, DataSettings(source="files", null_ids="drop"))

    def _things(self, fault: Fault, level: Level) -> Found:
        """Return what a fault concerns."""
        data = self._data
        if level == "finding":
            return FINDING
        if level == "rows":
            return frozenset(range(fault.count or 0))
        if level == "columns":
            return frozenset(name for name in self.shop.items.column_names if repr(name) in fault.found)
        assert fault.at is not None, fault.name
        if level == "events":
            return frozenset(data.log.rows[fault.at].tolist())
        ids = data.user_ids if level == "users" else data.catalogue.ids
        return frozenset(ids.take(fault.at).to_pylist())

    def _clean(self, name: str) -> tuple[frozenset[int], Found]:
        """Return the rows that a cleaner removes, and the pairs of items that it makes one."""
        if name not in self._cleaned:
            read = read_events(self.tables, DataSettings(source="files", clean=[name]))
            rows = [removal.rows for removal in read.clean.removals]
            ids, into = [None, *read.items.to_pylist()], read.clean.items
            pairs = frozenset(frozenset((ids[i], ids[into[i]])) for i in np.flatnonzero(into != np.arange(len(into))))
            self._cleaned[name] = frozenset(np.concatenate([np.zeros(0, int), *rows]).tolist()), pairs
        return self._cleaned[name]
