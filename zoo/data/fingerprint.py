"""A hash of the contents of a data set, independent of file format, chunks and compression."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.user_table import UserTable


def fingerprint(log: Interactions, catalogue: Catalogue, user_ids: pa.Array, users: UserTable | None = None) -> str:
    """Return a hash of everything that the core reads from a data set.

    It covers users, items, times, event types and their weights in log order, the item numbers, and the catalogue
    columns sorted by name; with a user table, also its columns. It does not cover the further columns of the log, which are read only when a model needs
    them.
    """
    digest = blake2b(digest_size=16)
    for values in (log.offsets, log.items, log.times, log.events, log.event_weights):
        digest.update(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False).data)
    digest.update(repr((log.clock, log.event_names, log.n_items)).encode())
    for column in (catalogue.ids, user_ids, *(catalogue.column(name) for name in sorted(catalogue.columns))):
        for part in _contents(column):
            digest.update(part)
    digest.update(repr(sorted(catalogue.columns)).encode())
    if users is not None and users.columns:  # without them the hash is that of versions without user tables
        digest.update(b"users" + fingerprint_table(users.table.select(sorted(users.columns))).encode())
    return digest.hexdigest()


def fingerprint_table(table: pa.Table) -> str:
    """Return a hash of the columns of a table, their names and their order; the same for every file format and chunk size."""
    digest = blake2b(digest_size=16)
    for name in table.column_names:
        digest.update(name.encode())
        for part in _contents(table[name]):
            digest.update(part)
    return digest.hexdigest()


def _contents(column: pa.Array | pa.ChunkedArray) -> Iterator[bytes]:
    """Yield the contents of a column: its length, its null mask and its values with their type."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield from _contents(column.dictionary_decode())
        return
    yield len(column).to_bytes(8, "little")
    yield np.packbits(column.is_valid().to_numpy(zero_copy_only=False)).tobytes()
    column = column.drop_null()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield column.value_lengths().cast(pa.int64()).to_numpy(zero_copy_only=False).tobytes()
        yield from _contents(column.flatten())
    elif pa.types.is_struct(kind):
        for at, field in enumerate(kind):
            yield field.name.encode()
            yield from _contents(column.field(at))
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        yield b"number"
        yield column.cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False).tobytes()
    elif pa.types.is_floating(kind):
        yield b"float"
        yield column.cast(pa.float64()).to_numpy(zero_copy_only=False).tobytes()
    else:
        yield b"text"
        yield from _texts((column if _is_bytes(kind) else column.cast(pa.large_string())).cast(pa.large_binary()))


def _texts(column: pa.LargeBinaryArray) -> Iterator[bytes]:
    """Yield the lengths and the bytes of texts, without creating a Python object per text."""
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    yield np.diff(ends).tobytes()
    if data is not None:
        yield data.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes()


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))
