"""Convert the many Arrow types of text, lists and numbers to the few that the rest of the code reads.

A column of the same values has one type after the conversion, whoever wrote the file:

    string, large_string, string_view                               string
    dictionary and run-end encoded values                           the values
    list, large_list, list_view, large_list_view, fixed_size_list   list
    decimal without a fraction                                      int64, or string if a value needs more digits
    other decimals, float16                                         float64

Other types stay as they are: integers, floats, booleans, dates, timestamps, structs, binary data.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zoo.errors import DataError

_STRINGS = (pa.types.is_large_string, pa.types.is_string_view)
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
    pa.types.is_fixed_size_list,
)


def normalise_types(table: pa.Table, origin: str) -> pa.Table:
    """Return a table whose columns have the types that the rest of the code reads.

    Args:
        table: The table as it was read.
        origin: The name of the table in messages.

    Raises:
        DataError: A column cannot be converted.
    """
    for at, field in enumerate(table.schema):
        try:
            column = normalise_column(table.column(at))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"{origin}: the column {field.name!r} is {field.type} and cannot be read ({error}). Write it as text, "
                "numbers, timestamps or lists of them."
            ) from error
        if column.type != field.type:
            table = table.set_column(at, field.name, column)
    return table


def unify_texts(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Return normalised batches of one table with the same types: decimals are text in all batches if one needs text.

    Args:
        tables: The batches, which had the same types before they were normalised.
    """
    kinds = [table.schema.types for table in tables]
    if all(types == kinds[0] for types in kinds):
        return list(tables)
    unified = [next(filter(_is_text, column), column[0]) for column in zip(*kinds, strict=True)]
    schema = pa.schema(list(zip(tables[0].column_names, unified, strict=True)))
    return [table.cast(schema) for table in tables]


def _is_text(kind: pa.DataType) -> bool:
    """Return whether a normalised type is text, or lists of text."""
    return _is_text(kind.value_type) if pa.types.is_list(kind) else bool(pa.types.is_string(kind))


def normalise_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with the type that the rest of the code reads."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return normalise_column(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        empty = normalise_column(pa.chunked_array([], kind.value_type))
        parts = [part for chunk in column.chunks for part in _decode_dictionary(chunk).chunks]
        return pa.chunked_array(parts, parts[0].type if parts else empty.type)
    if pa.types.is_run_end_encoded(kind):
        return normalise_column(pa.chunked_array(map(pc.run_end_decode, column.chunks), kind.value_type))
    if any(is_kind(kind) for is_kind in _STRINGS):
        return pa.chunked_array([part for chunk in column.chunks for part in _to_strings(chunk)], pa.string())
    if any(is_kind(kind) for is_kind in _LISTS):
        return _normalise_lists(column)
    if pa.types.is_decimal(kind):
        return _normalise_decimals(column)
    return column.cast(pa.float64()) if pa.types.is_float16(kind) else column


def _decode_dictionary(chunk: pa.DictionaryArray) -> pa.ChunkedArray:
    """Return the normalised values of a dictionary-encoded array."""
    return normalise_column(pa.chunked_array([chunk.dictionary])).take(chunk.indices)


def _to_strings(chunk: pa.Array) -> list[pa.Array]:
    """Return texts with 32-bit offsets, in several parts if they are longer than 2 GiB."""
    try:
        return [chunk.cast(pa.string())]
    except pa.ArrowInvalid:
        half = len(chunk) // 2
        if not half:
            raise
        parts = (chunk.slice(0, half), chunk.slice(half))
        # Concatenation copies a slice, so that its offsets start at 0.
        return [string for part in parts for string in _to_strings(pa.concat_arrays([part, part.slice(0, 0)]))]


def _normalise_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return lists of any layout as `list`, with normalised values."""
    values = normalise_column(
        pa.chunked_array([pc.list_flatten(chunk) for chunk in column.chunks], column.type.value_type)
    )
    if pa.types.is_list(column.type) and values.type == column.type.value_type:
        return column
    present = column.is_valid().to_numpy()
    lengths = np.where(present, pc.list_value_length(column).fill_null(0).to_numpy(), 0)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    flat = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if offsets[-1] > np.iinfo(np.int32).max:
        raise pa.ArrowInvalid(f"its lists have {offsets[-1]:,} values in sum, more than 2^31")
    mask = None if present.all() else pa.array(~present)
    return pa.chunked_array([pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat, mask=mask)])


def _normalise_decimals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return decimals as numbers; whole numbers beyond 64 bits as text, because they are ids and must stay exact."""
    if column.type.scale > 0:
        return column.cast(pa.float64())
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column.cast(pa.string())
