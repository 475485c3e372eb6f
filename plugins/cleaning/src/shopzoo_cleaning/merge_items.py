"""Items under several ids: those with the same title become one item."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopzoo_cleaning.params import MergeItemsParams
from zoo.api import Cleaned, Cleaner, UncleanLog, title_keys


class MergeItems(Cleaner[MergeItemsParams]):
    """Replaces items by the first with the same title, whatever its case, punctuation and white space. It removes no event.

    With `similar`, words may stand in another order, and one of them may be mistyped. It reads the catalogue only, so that the events after the cut
    cannot change what is merged.
    """

    def clean(self, data: UncleanLog) -> Cleaned:
        """Return the item that replaces each item; one without a title, or alone with it, stays.

        Raises:
            DataError: The catalogue has no titles, or lacks a column of `same`.
        """
        titles = title_keys(data.catalogue.column("title"), similar=self.params.similar)
        columns = {"title": titles} | {name: _comparable(data.catalogue.column(name)) for name in self.params.same}
        numbers = np.arange(len(data.catalogue))
        table = pa.table({**columns, "number": numbers}).filter(pc.is_valid(titles))
        groups = table.group_by(list(columns)).aggregate([("number", "min"), ("number", "list")])
        members = groups["number_list"].combine_chunks()
        of = members.value_parent_indices().to_numpy()
        numbers[members.flatten().to_numpy()] = groups["number_min"].to_numpy()[of]
        merged = int(np.count_nonzero(numbers != np.arange(len(numbers))))
        return Cleaned(items=numbers if merged else None, items_reason="the same title")


def _comparable(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as text, in one piece."""
    text = column.cast(pa.string())
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
