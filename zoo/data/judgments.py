"""Judged lists: graded documents per query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.data.catalogue import Catalogue
from zoo.data.dataset import Notes
from zoo.data.fingerprint import fingerprint
from zoo.data.interactions import Interactions


@dataclass(frozen=True, eq=False)
class Judgments:
    """Lists of graded documents, in compressed rows; documents of a list are ordered by a keyed hash of their id.

    Attributes:
        offsets: The start of each list and the end of the last, `[Q + 1]` int64.
        documents: Document numbers from 1, `[N]` int64; a document may be in several lists.
        labels: Grades from 0, `[N]` float32.
        features: Ranking features, `[N, F]` float32; NaN is missing.
        columns: The names of the F features.
        query_ids: The query ids as in the data, `[Q]`.
        texts: The query texts, `[Q]`, or None.
        parts: The value of each query in the column of the split, `[Q]`; None if the split has no column.
        catalogue: The documents with their columns, one row per document number.
        text: The text columns of the catalogue that are matched with the query.
    """

    offsets: NDArray[np.int64]
    documents: NDArray[np.int64]
    labels: NDArray[np.float32]
    features: NDArray[np.float32]
    columns: tuple[str, ...]
    query_ids: pa.Array
    texts: list[str] | None
    parts: list[str] | None
    catalogue: Catalogue
    text: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of lists."""
        return len(self.offsets) - 1

    @cached_property
    def list_of(self) -> NDArray[np.int64]:
        """Return the list of each judgement, `[N]`."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def relevant(self, lists: NDArray[np.bool_]) -> Interactions:
        """Return the relevant documents of the given lists, `[Q]` bool, as a log with one row per list."""
        kept = (self.labels > 0) & lists[self.list_of]
        return Interactions.from_arrays(
            self.list_of[kept], self.documents[kept], n_items=len(self.catalogue) - 1, n_users=len(self)
        )

    def where(self, lists: NDArray[np.bool_]) -> Judgments:
        """Return the given lists, `[Q]` bool; documents keep their numbers."""
        kept, rows = lists[self.list_of], np.flatnonzero(lists)
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(np.diff(self.offsets)[lists])]),
            documents=self.documents[kept],
            labels=self.labels[kept],
            features=self.features[kept],
            query_ids=self.query_ids.take(pa.array(rows)),
            texts=None if self.texts is None else [self.texts[row] for row in rows],
            parts=None if self.parts is None else [self.parts[row] for row in rows],
        )

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of queries, documents, labels and features."""
        log = Interactions(
            self.offsets, self.documents.astype(np.int32), np.zeros(0, np.int64), np.zeros(0, np.uint8),
            len(self.catalogue) - 1,
        )  # fmt: skip
        digest = blake2b(fingerprint(log, self.catalogue, self.query_ids).encode(), digest_size=16)
        for values in (self.labels, self.features):
            digest.update(np.ascontiguousarray(values).astype("<f4", copy=False).data)
        digest.update(repr((self.columns, self.texts)).encode())
        return digest.hexdigest()

    @property
    def notes(self) -> Notes:
        """Return counts and remarks about the lists, for reports."""
        lengths = np.diff(self.offsets)
        best = np.maximum.reduceat(self.labels, self.offsets[:-1])
        lowest = np.minimum.reduceat(self.labels, self.offsets[:-1])
        missing = np.isnan(self.features)
        with np.errstate(invalid="ignore"):
            steady = [
                name
                for name, values, gap in zip(self.columns, self.features.T, missing.T, strict=True)
                if gap.all() or (values[~gap] == values[~gap][0]).all()
            ]
        grades, counts = np.unique(self.labels, return_counts=True)
        counted: Notes = {
            "lists": len(self),
            "documents in them": len(self.documents),
            "documents of each label": ", ".join(f"{g:g}: {c:,}" for g, c in zip(grades, counts, strict=True)),
            "lists of one document": int(np.count_nonzero(lengths == 1)),
            "lists without a relevant document": int(np.count_nonzero(best == 0)),
            "lists of equal labels, from which nothing is learned": int(np.count_nonzero(best == lowest)),
            "values missing in features": int(np.count_nonzero(missing)),
            "features that never vary": ", ".join(steady),
        }
        return {name: value for name, value in counted.items() if value}
