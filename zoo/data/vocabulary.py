"""Item numbers, ordered by a keyed hash of the item id and therefore independent of the events."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.catalogue import Catalogue
from zoo.data.schema import Ids


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The items and their numbers; number 0 is padding.

    Ties between scores are broken by item number. Numbering by a hash of the id makes that order independent of the
    data and the same on every machine; another salt gives another order.

    Attributes:
        ids: The item ids as in the data, `[I]`; entry 0 is None.
    """

    ids: pa.Array

    @classmethod
    def of(cls, ids: pa.Array, salt: str = "") -> Vocabulary:
        """Number the ids.

        Args:
            ids: The ids as text, without duplicates, in any order.
            salt: The key of the hash.
        """
        texts = sorted(ids.to_pylist())
        key = blake2b(salt.encode(), digest_size=32).digest() if salt else b""
        hashes = b"".join(blake2b(text.encode(), key=key, digest_size=8).digest() for text in texts)
        order = np.argsort(np.frombuffer(hashes, ">u8"), kind="stable")
        return cls(pa.array([None, *(texts[i] for i in order)], pa.string()))

    def __len__(self) -> int:
        """Return I, the number of item numbers including padding."""
        return len(self.ids)

    @property
    def fingerprint(self) -> str:
        """Return a hash of the ids in the order of their numbers."""
        return blake2b("\0".join(self.ids.to_pylist()[1:]).encode(), digest_size=16).hexdigest()

    def numbers(self, ids: pa.Array) -> NDArray[np.int32]:
        """Return the number of each id, 0 for an id that is not in the vocabulary."""
        found = pc.index_in(ids, value_set=self.ids.slice(1))
        return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False) + 1, np.int32)

    def catalogue(self, ids: Ids | None = None, table: pa.Table | None = None) -> Catalogue:
        """Return the catalogue: the columns of a table, in the order of the item numbers.

        Args:
            ids: The item of each row of the table, without duplicates; items that are not in the vocabulary are left out.
            table: The columns of the items.
        """
        if ids is None or table is None or not table.column_names:
            return Catalogue(self.ids, Catalogue.bare(len(self) - 1).table)
        row_of = np.full(len(self), -1, np.int64)
        has_id = ids.codes >= 0
        row_of[self.numbers(ids.unique)[ids.codes[has_id]]] = np.flatnonzero(has_id)
        row_of[0] = -1
        return Catalogue(self.ids, table.take(pa.array(row_of, mask=row_of < 0)))
