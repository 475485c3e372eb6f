"""Faults of the items: rows, titles, categories, prices and columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.analysis.fault import SHOWN, Example, Fault, item_fault
from zoo.data.catalogue import Catalogue
from zoo.data.checks.future import to_numbers
from zoo.data.log import Data
from zoo.data.schema import is_text
from zoo.data.titles import title_keys

MISSING = (0.005, 0.5)
"""Shares of the items with an event between which missing texts are reported: a column that most items lack is optional."""
REPEATED = (0.0125, 0.5)
"""Shares of the items between which repeated titles are reported: fewer happen by chance, and more are names of kinds of goods."""
SIMILAR = 0.002
"""Share of the items from which on similar titles are reported."""
CATEGORY = re.compile(r"categor|department|genre|product_?type", re.IGNORECASE)
"""Names of columns that group the items."""
ROBUST = 6.0
"""Robust standard deviations of the logarithm from which on a price of the catalogue is an outlier."""


def find_item_faults(data: Data) -> Iterator[Fault]:
    """Yield the faults of the items."""
    for find in (_rows, _missing_texts, _titles, _constant_columns, _prices):
        yield from find(data)


def _rows(data: Data) -> Iterator[Fault]:
    """Yield items that the item table lacks."""
    if count := _n_lacking(data):
        fault = item_fault(
            data, "items-without-row", "items with events that the table of the items lacks", np.flatnonzero(~_is_listed(data)[1:]) + 1,
            effect="Models that read columns see nothing of them, and rules on columns (`eligible`, availability) exclude them.",
            remedy="complete the table of the items, or remove the events of what is no product", among=_n_sold(data),
        )  # fmt: skip
        yield fault if fault.count == count else replace(fault, count=count, at=None, examples=())


def _missing_texts(data: Data) -> Iterator[Fault]:
    """Yield items whose row has no title, or no category."""
    n, (least, most) = _n_sold(data), MISSING
    listed = data.log.known & _is_listed(data)
    for column in data.catalogue.columns:
        words = "title" if column == "title" else "category" if CATEGORY.search(column) else ""
        if not words or not is_text(_plain_type(data.catalogue, column)):
            continue
        missing = np.flatnonzero(listed & ~_is_present(data.catalogue, column))
        if max(least * n, 1) <= len(missing) and (words == "title" or len(missing) <= most * n):
            yield item_fault(
                data, f"items-without-{words}", f"items with events and without a value of {column!r}", missing,
                effect="Models that read text see nothing of them, and a cold item without text cannot be recommended for a reason.",
                remedy="complete the table of the items; an item that is not for sale needs an `eligible` column", among=n,
            )  # fmt: skip


def _titles(data: Data) -> Iterator[Fault]:
    """Yield items that share their title with another one, and items whose title is only similar to another one."""
    if "title" not in data.catalogue.columns or not is_text(_plain_type(data.catalogue, "title")):
        return
    title, n = _plain(data.catalogue, "title"), _n_sold(data)
    same, similar = (_alike(title_keys(title, similar=similar), data.log.known) for similar in (False, True))
    least, most = REPEATED
    if len(same) > most * n:
        return
    for name, words, found, fewest in (
        ("repeated-titles", "items that share their title with another one", same, max(least * n, 2)),
        ("similar-titles", "items whose title has the words of another one in another order, or with a typing error",
         similar[~np.isin(similar, same)], max(SIMILAR * n, 2)),
    ):  # fmt: skip
        if len(found) >= fewest:
            yield item_fault(
                data, name, words, found,
                effect="If they are one article under several ids, its events are divided: each id looks rare, and a list shows it twice.",
                remedy="give the same article one id; variants (size, colour) may keep theirs",
                among=n, values=[str(title[int(i)].as_py()) for i in found[:SHOWN]],
            )  # fmt: skip


def _alike(keys: pa.Array, sold: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the items with events that share their key with another one, those of a key beside each other."""
    codes = keys.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    counted = np.flatnonzero(sold & (codes >= 0))
    alike = counted[np.bincount(codes[counted])[codes[counted]] > 1] if len(counted) else counted
    return alike[np.argsort(codes[alike], kind="stable")]


def _constant_columns(data: Data) -> Iterator[Fault]:
    """Yield columns of the items that have one value, or none."""
    columns = {name: data.catalogue.column(name)[1:] for name in data.catalogue.columns}
    constant = [name for name, column in columns.items() if len(column) > 1 and _is_constant(column)]
    if constant:
        yield Fault(
            "constant-columns", f"columns of the items with one value, or none: {', '.join(map(repr, constant))}", len(constant),
            len(constant) / len(columns),
            tuple(Example(value=f"{name} = {columns[name][0].as_py()}") for name in constant[:SHOWN]),
            "They cost memory as features and say nothing; an export may have lost their values.",
            "look at the export, or leave the columns out", "columns",
        )  # fmt: skip


def _is_constant(column: pa.ChunkedArray) -> bool:
    """Return whether a column has one value in all rows."""
    if pa.types.is_null(column.type):
        return True
    return not pa.types.is_nested(column.type) and pc.count_distinct(column, mode="all").as_py() == 1


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
    wrong = np.flatnonzero((np.abs(logs - middle) > ROBUST * spread) | (price <= 0))
    if len(wrong):
        yield item_fault(
            data, "catalogue-price-outliers", "items whose price is not above zero, or far from all others", wrong,
            effect="Prices as features and the metric `revenue` are dominated by them; they may be services, samples or typing errors.",
            remedy="correct the prices, or exclude what is no product: [evaluate] eligible = { ... }",
            among=int(np.count_nonzero(np.isfinite(price))), values=[f"{price[i]:g}" for i in wrong[:SHOWN]],
        )  # fmt: skip


def _n_sold(data: Data) -> int:
    """Return the number of items with an event."""
    return int(np.count_nonzero(data.log.known))


def _n_lacking(data: Data) -> int:
    """Return the number of items that the item table lacks."""
    return int(data.notes.get("items of the log that the item table lacks", 0))


def _is_listed(data: Data) -> NDArray[np.bool_]:
    """Return which items have a row in the item table, `[I]`: those with a value in some column, unless no item lacks in it."""
    listed = np.full(len(data.catalogue), not _n_lacking(data))
    for name in data.catalogue.columns:
        listed |= data.catalogue.column(name).is_valid().to_numpy()
    return listed


def _plain_type(catalogue: Catalogue, name: str) -> pa.DataType:
    """Return the type of a column, of its values if it is a dictionary."""
    kind = catalogue.column(name).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _plain(catalogue: Catalogue, name: str) -> pa.Array:
    """Return a column in one piece, without a dictionary."""
    return catalogue.column(name).cast(_plain_type(catalogue, name)).combine_chunks()


def _is_present(catalogue: Catalogue, name: str) -> NDArray[np.bool_]:
    """Return which items have a text that is more than white space, `[I]`."""
    text = pc.utf8_trim_whitespace(_plain(catalogue, name))
    present = pc.not_equal(text, "").fill_null(False).to_numpy(zero_copy_only=False)
    return np.asarray(present, np.bool_)
