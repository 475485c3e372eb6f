"""Faults of the items: titles, prices, and ids that are numbered by time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.analysis.distributions import rank_correlation
from zoo.data.analysis.fault import SHOWN, Example, Fault, item_name, user_name
from zoo.data.checks.future import to_numbers
from zoo.data.log import Data
from zoo.data.schema import is_text

TITLES = 0.005
"""Share of the items with an event from which on missing titles are reported."""
REPEATED = (0.0125, 0.5)
"""Shares of the items between which repeated titles are reported: fewer happen by chance, and more are names of kinds of goods."""
NUMBERED = 0.7
"""Rank correlation of ids and first times from which on ids are numbered by time."""
FEWEST = 50
"""Ids below which a correlation is not computed."""
ROBUST = 6.0
"""Robust standard deviations of the logarithm from which on a price of the catalogue is an outlier."""


def find_item_faults(data: Data) -> Iterator[Fault]:
    """Yield the faults of the items."""
    yield from _titles(data)
    yield from _prices(data)
    yield from _numbered(data)


def _titles(data: Data) -> Iterator[Fault]:
    """Yield items without a title, and items that share one."""
    if "title" not in data.catalogue.columns or not is_text(data.catalogue.column("title").type):
        return
    title = data.catalogue.column("title").combine_chunks()
    words = pc.replace_substring_regex(pc.utf8_lower(pc.utf8_trim_whitespace(title)), r"\s+", " ")
    present = pc.and_(pc.is_valid(words), pc.not_equal(words, "")).fill_null(False).to_numpy(zero_copy_only=False)
    sold = data.log.known
    n = max(int(np.count_nonzero(sold)), 1)
    missing = sold & ~present
    missing[0] = False
    if (count := int(np.count_nonzero(missing))) >= max(TITLES * n, 1):
        yield Fault(
            "items-without-title", "items with events and without a title", count, count / n, _items(data, missing),
            "Models that read text see nothing of them, and a cold item without text cannot be recommended for a reason.",
            "complete the table of the items; an item that is not for sale needs an `eligible` column",
        )  # fmt: skip
    codes = words.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    counted = sold & present
    copies = np.zeros(len(codes), np.bool_)
    copies[counted] = np.bincount(codes[counted])[codes[counted]] > 1 if counted.any() else False
    count, (least, most) = int(np.count_nonzero(copies)), REPEATED
    if max(least * n, 2) <= count <= most * n:
        order = np.flatnonzero(copies)
        order = order[np.argsort(codes[order], kind="stable")]
        yield Fault(
            "repeated-titles", "items that share their title with another one", count, count / n,
            tuple(Example(item=item_name(data, int(i)), value=str(title[int(i)].as_py())) for i in order[:SHOWN]),
            "If they are one article under several ids, its events are divided: each id looks rare, and a list shows it twice.",
            "give the same article one id; variants (size, colour) may keep theirs",
        )  # fmt: skip


def _prices(data: Data) -> Iterator[Fault]:
    """Yield prices of the catalogue that are not above zero or far from the others."""
    if "price" not in data.catalogue.columns:
        return
    price = to_numbers(data.catalogue.column("price"))
    if price is None or not (price > 0).any():
        return
    logs = np.log(price, where=price > 0, out=np.full(len(price), np.nan))
    middle = float(np.nanmedian(logs))
    spread = max(1.4826 * float(np.nanmedian(np.abs(logs - middle))), 0.4)
    wrong = (np.abs(logs - middle) > ROBUST * spread) | (price <= 0)
    if count := int(np.count_nonzero(wrong)):
        yield Fault(
            "catalogue-price-outliers", "items whose price is not above zero, or far from all others", count,
            count / max(int(np.count_nonzero(np.isfinite(price))), 1), _items(data, wrong, price),
            "Prices as features and the metric `revenue` are dominated by them; they may be services, samples or typing errors.",
            "correct the prices, or exclude what is no product: [evaluate] eligible = { ... }",
        )  # fmt: skip


def _numbered(data: Data) -> Iterator[Fault]:
    """Yield ids of items or users that are numbered by their first time."""
    log = data.log
    if log.clock != "timestamp":
        return
    first = np.full(log.n_items + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, log.items, log.times)
    known = np.flatnonzero(log.known)
    begun = np.flatnonzero(log.lengths > 0)
    starts = log.times[log.offsets[:-1][begun]]
    for kind, names, at, times in (
        ("item", data.catalogue.ids, known, first[known]),
        ("user", data.user_ids, begun, starts),
    ):
        numbers = _numbers_of(names.take(pa.array(at)))
        if numbers is None:
            continue
        correlation = rank_correlation(numbers, times)
        if abs(correlation) >= NUMBERED:
            name = item_name if kind == "item" else user_name
            yield Fault(
                f"{kind}-ids-by-time", f"the ids of the {kind}s are numbered by the time of their first event "
                f"(rank correlation {correlation:.2f})", len(at), 1.0,
                tuple(Example(**{kind: name(data, int(i))}) for i in at[:SHOWN]),
                f"A model or a feature that reads the id as a number knows how new the {kind} is, also after the cut.",
                "do not use the id as a feature; the zoo numbers items by a hash, so that ties are not ordered by age",
            )  # fmt: skip


def _numbers_of(ids: pa.Array) -> NDArray[np.float64] | None:
    """Return the number at the end of each id, `[M]`; None if ids have none, or are too few."""
    digits = pc.struct_field(pc.extract_regex(ids, r"(?P<n>\d{1,15})$"), "n")
    if len(ids) < FEWEST or digits.null_count > 0.02 * len(ids):
        return None
    return np.asarray(digits.fill_null("0").cast(pa.int64()).to_numpy(zero_copy_only=False), np.float64)


def _items(data: Data, which: NDArray[np.bool_], values: NDArray[np.float64] | None = None) -> tuple[Example, ...]:
    """Return examples of items."""
    return tuple(
        Example(item=item_name(data, int(i)), value="" if values is None else f"{values[i]:g}")
        for i in np.flatnonzero(which)[:SHOWN]
    )
