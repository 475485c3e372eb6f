"""Judged lists from separate files for each part of the split."""

import numpy as np
import pyarrow as pa

from zoo.data.dataset import Dataset, Tables
from zoo.data.dataset_params import JudgedFilesParams
from zoo.data.files import file_table


class JudgedFiles(Dataset[JudgedFilesParams]):
    """Judged lists from separate files for each part; the column `split` holds the part."""

    def read(self) -> Tables:
        """Return the tables."""
        p = self.params
        parts = {"train": p.train, "validate": p.validate_, "test": p.test}
        files = {part: file_table(paths, p.delimiter) for part, paths in parts.items() if paths}
        tables = []
        for part, file in files.items():
            table = file.select([name for name in file.column_names if name != "split"])
            tables.append(table.append_column("split", pa.array([part] * len(table), pa.string())))
        ends = np.cumsum([len(table) for table in tables])

        def place(row: int) -> str:
            at = int(np.searchsorted(ends, row, side="right"))
            return list(files.values())[at].place(row - (int(ends[at - 1]) if at else 0))

        items = file_table(p.items, p.delimiter) if p.items else None
        return Tables(
            pa.concat_tables(tables, promote_options="permissive"),
            items,
            ", ".join(file.name for file in files.values()),
            items.name if items else "items",
            place,
            items.place if items else None,
            ids_restart=True,
        )
