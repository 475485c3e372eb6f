"""Faults of ids: one id in several spellings, and ids that are numbered by time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.analysis.distributions import rank_correlation
from zoo.data.analysis.fault import Fault, item_fault, user_fault
from zoo.data.log import Data

NUMBERED = 0.7
"""Rank correlation of ids and first times from which on ids are numbered by time."""
FEWEST = 50
"""Ids below which a correlation is not computed."""
MIXED = 0.2
"""Share of ids with letters of both cases from which on the case of a letter is a part of the id."""


def find_id_faults(data: Data) -> Iterator[Fault]:
    """Yield the faults of the ids of items and users."""
    log = data.log
    items, users = np.flatnonzero(log.known), np.flatnonzero(log.lengths > 0)
    first = np.full(log.n_items + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, log.items, log.times)
    for kind, ids, at, times, fault in (
        ("item", data.catalogue.ids, items, first[items], partial(item_fault, data, among=len(items))),
        ("user", data.user_ids, users, log.times[log.offsets[:-1][users]], partial(user_fault, data)),
    ):
        names = ids.take(pa.array(at))
        variants = at[_variants(names)]
        if len(variants):
            yield fault(
                f"{kind}-id-variants", f"{kind} ids that differ from another one only in case, white space, zeros in front or `.0`",
                variants,
                effect=f"The events of one {kind} are divided: each id looks rare, and one names the other's targets.",
                remedy="write each id in one way, in all files",
            )  # fmt: skip
        numbers = _numbers_of(names) if log.clock == "timestamp" else None
        if numbers is None:
            continue
        correlation = rank_correlation(numbers, times)
        if abs(correlation) >= NUMBERED:
            yield fault(
                f"{kind}-ids-by-time", f"the ids of the {kind}s are numbered by the time of their first event "
                f"(rank correlation {correlation:.2f})", at,
                effect=f"A model or a feature that reads the id as a number knows how new the {kind} is, also after the cut.",
                remedy="do not use the id as a feature; the zoo numbers items by a hash, so that ties are not ordered by age",
            )  # fmt: skip


def _variants(ids: pa.Array) -> NDArray[np.int64]:
    """Return the ids that occur in another spelling, those of one id beside each other."""
    plain = pc.replace_substring_regex(ids, r"\s+", "")
    lower, upper = (pc.match_substring_regex(ids, letters) for letters in ("[a-z]", "[A-Z]"))
    if (pc.mean(pc.and_(lower, upper)).as_py() or 0.0) < MIXED:
        plain = pc.utf8_lower(plain)
    plain = pc.replace_substring_regex(plain, r"^0*([0-9]+)(\.0)?$", r"\1")  # a number that went through a spreadsheet
    codes = plain.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    several = np.flatnonzero((np.bincount(codes) > 1)[codes]) if len(codes) else np.zeros(0, np.int64)
    return several[np.argsort(codes[several], kind="stable")]


def _numbers_of(ids: pa.Array) -> NDArray[np.float64] | None:
    """Return the number at the end of each id, `[M]`; None if ids have none, or are too few."""
    digits = pc.struct_field(pc.extract_regex(ids, r"(?P<n>\d{1,15})$"), "n")
    if len(ids) < FEWEST or digits.null_count > 0.02 * len(ids):
        return None
    return np.asarray(digits.fill_null("0").cast(pa.int64()).to_numpy(zero_copy_only=False), np.float64)
