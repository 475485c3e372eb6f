"""The `given` split: a column of the events contains the part of each event."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.config.experiment import Part
from zoo.config.split_settings import Given
from zoo.data.dataset import Notes
from zoo.data.parts import PARTS, Parts, code_of
from zoo.data.units import Units, unit_column
from zoo.errors import SplitError, suggestion


def split_by_column(units: Units, settings: Given) -> Parts:
    """Read the parts from a column of the events, and hold out a share of the training units if the settings say so.

    Raises:
        SplitError: A value belongs to no part, a basket or session has events in two parts, or there is nothing to hold out.
    """
    codes = _read_codes(units, settings)
    codes, notes = _check_units(units, codes, settings)
    found = [part for part in PARTS[1:] if part != "test" and np.any(codes == code_of(part))]
    if settings.validate_share:
        if "validate" in found:
            raise SplitError(
                f"split.validate_share = {settings.validate_share}, and the column {settings.column!r} has validation values "
                f"({', '.join(settings.validate_)}) already. Remove split.validate_share, or set split.validate = []."
            )
        codes = _hold_out(units, codes, settings)
        found = ["validate", *found]
    return Parts(codes, (*found, "test"), notes=notes)


def _read_codes(units: Units, settings: Given) -> NDArray[np.uint8]:
    """Return the code of each event, `[N]`."""
    values = pc.cast(units.log.column(settings.column), pa.string()).combine_chunks().dictionary_encode()
    names: dict[str, Part] = {}
    for part, listed in _part_values(settings).items():
        names |= dict.fromkeys(listed, part)
    code_of_value = np.zeros(len(values.dictionary) + 1, np.uint8)
    for at, value in enumerate([*values.dictionary.to_pylist(), None]):
        if value in names:
            code_of_value[at] = code_of(names[value])
        elif value is not None or values.null_count:
            raise SplitError(
                f"split.column {settings.column!r} has the value {value!r} ({_count(values, value):,} events), which belongs to no part."
                f"{suggestion(str(value), names)} Values of the parts: {_part_values(settings)}. Add it to one of them."
            )
    codes: NDArray[np.uint8] = code_of_value[
        values.indices.fill_null(len(values.dictionary)).to_numpy(zero_copy_only=False)
    ]
    return codes


def _check_units(units: Units, codes: NDArray[np.uint8], settings: Given) -> tuple[NDArray[np.uint8], Notes]:
    """Return the codes, the same for any order of rows in the file, and the number of moments that they divide.

    Raises:
        SplitError: A basket or session has events in two parts.
    """
    first, last = (pick.reduceat(codes, units.starts) for pick in (np.minimum, np.maximum))
    divided = np.flatnonzero(first != last)
    if not len(divided):
        return codes, {}
    if units.kind != "event":
        unit = int(divided[0])
        values = sorted({PARTS[code // 2] for code in (first[unit], last[unit])}, key=PARTS.index)
        raise SplitError(
            f"split.column {settings.column!r} puts events of {units.format_unit(unit)} into the parts {' and '.join(values)} "
            f"({len(divided):,} of {len(units.starts):,} {units.kind}s are divided in this way), and split.unit = {units.kind!r} "
            f'never divides a {units.kind}. Give all its rows the same value, or set split.unit = "event".'
        )
    log = units.log
    order = np.lexsort((codes, log.events, log.items, units.numbers))  # differs only among copies of an event
    return codes[order], {"moments that the column divides between parts": len(divided)}


def _hold_out(units: Units, codes: NDArray[np.uint8], settings: Given) -> NDArray[np.uint8]:
    """Return the codes with a share of the training units in the validation part: the latest ones, or drawn by a hash."""
    training = codes == code_of("train")
    of_unit = np.flatnonzero(np.logical_or.reduceat(training, units.starts))
    n = max(round(settings.validate_share * len(of_unit)), 1)
    late = units.ends if units.log.clock == "timestamp" else hash_units(units, settings.seed)
    bound = np.partition(late[of_unit], max(len(of_unit) - n, 0))[max(len(of_unit) - n, 0)] if len(of_unit) else 0
    codes = codes.copy()
    codes[training & (late >= bound)[units.numbers]] = code_of("validate")
    return codes


def hash_units(units: Units, seed: int) -> NDArray[np.uint64]:
    """Return a keyed hash of each unit, `[M]`: of the id of a basket or session, else of the user and item of its first event."""
    users, items = units.log.users[units.starts], units.log.items[units.starts]
    keys = users.astype(np.uint64) * np.uint64(2**32) + items.astype(np.uint64)
    if units.kind != "event":
        codes, ids = unit_column(units.log, units.kind)
        hashes = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in ids.to_pylist())
        of_unit = codes[units.starts]
        keys[of_unit >= 0] = np.frombuffer(hashes, "<u8")[of_unit[of_unit >= 0]]
    return _mix(keys ^ _mix(np.full(1, seed, np.uint64)))


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of each integer (splitmix64, Steele et al., OOPSLA 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _count(values: pa.DictionaryArray, value: str | None) -> int:
    """Return how often a value occurs."""
    if value is None:
        return int(values.null_count)
    return int(pc.sum(pc.equal(values.dictionary_decode(), value)).as_py())


def _part_values(settings: Given) -> dict[Part, list[str]]:
    """Return the values of each part."""
    return {"train": settings.train, "validate": settings.validate_, "rank": settings.rank, "test": settings.test}
