"""A folder of results that is read once, for reports."""

from __future__ import annotations

from functools import cached_property

from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store


class StoreSnapshot(Store):
    """A store whose manifest and rows are read at first use and do not change afterwards; it is never written to."""

    def manifest(self) -> BenchmarkManifest:
        """Return the manifest."""
        return self._manifest

    def rows(self) -> list[Row]:
        """Return the rows of the finished runs."""
        return list(self._rows)

    @cached_property
    def _manifest(self) -> BenchmarkManifest:
        return super().manifest()

    @cached_property
    def _rows(self) -> list[Row]:
        return super().rows()
