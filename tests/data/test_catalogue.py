"""What a catalogue makes of its columns, and what it says of those that it cannot read."""

import pyarrow as pa
import pytest

from zoo.data.catalogue import Catalogue
from zoo.errors import DataError

TABLE = pa.table(
    {
        "title": [None, "Red hat", "", None],
        "tags": [None, ["red", None, "wool"], [], ["hat"]],
        "brand": pa.array([None, "Ash", "Oak", "Ash"]).dictionary_encode(),
        "price": [None, 1.0, 2.0, None],
        "nothing": pa.nulls(4),
        "keys": pa.array([None, [1], [2], [3]]),
    }
)
CATALOGUE = Catalogue(pa.array([None, "a", "b", "c"]), TABLE)


def test_texts_of_several_columns_are_one_and_what_is_missing_leaves_nothing():
    assert CATALOGUE.texts(["title", "tags", "brand"]) == ["", "Red hat red wool Ash", "Oak", "hat Ash"]
    assert CATALOGUE.texts([]) == [""] * 4


@pytest.mark.parametrize(("column", "kind"), [("price", "double"), ("nothing", "null"), ("keys", "list<item: int64>")])
def test_a_column_that_is_not_text_is_refused_with_those_that_are(column, kind):
    with pytest.raises(DataError) as error:
        CATALOGUE.texts([column])
    assert str(error.value) == (
        f"the catalogue's column {column!r} is {kind}, expected text: choose among its text columns (title, tags, brand)"
    )


def test_a_catalogue_without_text_says_so():
    with pytest.raises(DataError) as error:
        Catalogue(CATALOGUE.ids, TABLE.select(["price"])).texts(["price"])
    assert str(error.value) == "the catalogue's column 'price' is double, expected text: none of its columns is text"


def test_an_unknown_column_is_refused_and_a_catalogue_that_knows_nothing_says_what_to_give():
    with pytest.raises(DataError) as error:
        CATALOGUE.texts(["titel"])
    assert str(error.value) == (
        "the catalogue has no column 'titel'. Did you mean 'title'? Its columns: title, tags, brand, price, nothing, keys."
    )
    with pytest.raises(DataError) as error:
        Catalogue.bare(3).texts(["title"])
    assert str(error.value) == (
        "the catalogue has no column 'title'. Its columns: none; give the `source` of [data] a file of `items` (in Python, `read_log` a table of items)."
    )
