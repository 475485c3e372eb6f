"""Column names, ids and numbers, and what is said of wrong ones."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.schema import MappedTable, ids
from zoo.errors import DataError


def table(mapping=None, **columns):
    return MappedTable.of(pa.table(columns), mapping or {}, "data.columns", "events.csv")


def numbered(values, kind=None):
    column = pa.chunked_array([pa.array(values[:2], kind), pa.array(values[2:], kind)])
    return ids(table(user_id=column), column, "user_id")


def test_columns_keep_their_names_unless_they_are_mapped():
    mapped = table({"user_id": "customer", "timestamp": "time"}, customer=[1], time=[2], timestamp=[3], extra=[4])
    assert sorted(mapped.column_names) == ["extra", "timestamp", "user_id"]
    assert mapped.select(["timestamp", "user_id", "extra"]).to_pylist() == [{"timestamp": 2, "user_id": 1, "extra": 4}]


def test_a_mapping_to_a_column_that_is_not_there_is_refused():
    with pytest.raises(DataError) as error:
        table({"user_id": "custommer"}, customer=[1], item=[1])
    assert str(error.value) == (
        "events.csv: data.columns maps 'user_id' to 'custommer', which is not a column. Did you mean 'customer'? Its columns: customer, item."
    )


@pytest.mark.parametrize(
    ("mapping", "columns", "problem"),
    [
        (
            {"user": "user_id"},
            ["user_id"],
            "'user' to 'user_id', and 'user' is not a known column name. Did you mean 'user_id'?",
        ),
        (
            {"titel": "name"},
            ["name"],
            "'titel' to 'name', and 'titel' is not a known column name. Did you mean 'title'?",
        ),
    ],
)
def test_a_name_that_is_nearly_canonical_is_refused(mapping, columns, problem):
    with pytest.raises(DataError) as error:
        table(mapping, **{name: [1] for name in columns})
    assert str(error.value) == (
        f"events.csv: data.columns maps {problem} "
        'Write known_name = "name in the file"; a column that already has a known name needs no mapping.'
    )


@pytest.mark.parametrize("name", ["basket", "basketid"])
def test_a_further_column_may_have_a_name_near_basket_id(name):
    assert table({name: "order"}, order=[1], user_id=[2]).select([name]).to_pylist() == [{name: 1}]
    assert table({name: "basket_id"}, basket_id=[1]).column_names == [name]


def test_a_reversed_mapping_is_told():
    with pytest.raises(DataError) as error:
        table({"customer": "user_id"}, customer=[1], item_id=[1])
    assert str(error.value) == (
        "events.csv: data.columns maps 'customer' to 'user_id', which is not a column. "
        'The mapping may be reversed: try user_id = "customer". Its columns: customer, item_id.'
    )


def test_further_columns_may_have_any_name():
    mapped = table(
        {"user_id": "u", "users": "user_id", "session_id": "s", "query_id": "q", "ranking": "r", "timestamp": "position"},
        u=[1], user_id=[2], s=[3], q=[4], r=[5], position=[6],
    )  # fmt: skip
    assert sorted(mapped.column_names) == ["query_id", "ranking", "session_id", "timestamp", "user_id", "users"]


def test_a_missing_column_is_refused_with_the_nearest_and_how_to_map_it():
    with pytest.raises(DataError) as error:
        table(userid=[1], item=[1]).require("user_id")
    assert str(error.value) == (
        "events.csv: no column 'user_id'. Did you mean 'userid'? Its columns: userid, item. "
        'Map the column that holds it: data.columns = { user_id = "userid" } (in Python, columns={"user_id": "userid"}).'
    )
    with pytest.raises(
        DataError, match=r"Did you mean 'customer'\? Its columns: user \('customer' in the data\), item\. Map"
    ):
        table({"user": "customer"}, customer=[1], item=[1]).require("user_id")


def test_numbers_written_as_text_are_numbers():
    mapped = table(price=["1.50", "", None, " 2 "], note=["1", "2", "3", "4"])
    assert mapped.select(["price", "note"]).to_pydict() == {
        "price": [1.5, None, None, 2.0],
        "note": ["1", "2", "3", "4"],
    }
    with pytest.raises(DataError) as error:
        table(price=["1.50", "1,50"]).select(["price"])
    assert str(error.value) == "events.csv, row 2: price is '1,50', expected a number such as 12.50. Correct the row."


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=3, max_size=30))
def test_ids_are_numbered_in_the_order_of_their_texts(values):
    found = numbered(values, pa.string())
    values = [v if v and pc.utf8_trim_whitespace(v).as_py() else None for v in values]
    expected = sorted({v for v in values if v}, key=lambda v: v.encode())
    assert found.unique.to_pylist() == expected
    assert found.codes.tolist() == [expected.index(v) if v else -1 for v in values]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([10, None, 9, 10], pa.int64()),
        ([10, None, 9, 10], pa.uint8()),
        ([10.0, float("nan"), 9.0, 10.0], pa.float64()),
        (["10", None, "9", "10"], pa.string()),
        (["10", "", "9", "10"], pa.large_string()),
        (["10", None, "9", "10"], pa.dictionary(pa.int32(), pa.string())),
    ],
)
def test_the_type_of_a_column_of_ids_does_not_matter(values, kind):
    found = numbered(values, kind)
    assert found.unique.to_pylist() == ["10", "9"]
    assert found.codes.tolist() == [0, -1, 1, 0]
    assert found.codes.dtype == np.int32


def test_texts_are_not_parsed():
    assert numbered(["007", "7", "NA", "null", "NULL"]).unique.to_pylist() == ["007", "7", "NA", "NULL", "null"]


def test_white_space_is_no_id_and_is_kept_in_one():
    found = numbered(["  ", " 7", "\t\n", "7", "\u00a0"])
    assert found.unique.to_pylist() == [" 7", "7"]
    assert found.codes.tolist() == [-1, 0, -1, 1, -1]


def test_a_dictionary_entry_that_no_row_uses_is_no_id():
    column = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["a", "ghost"]))])
    assert ids(table(user_id=column), column, "user_id").unique.to_pylist() == ["a"]


def test_ids_that_are_no_ids_are_refused():
    with pytest.raises(DataError) as error:
        numbered([1.0, 2.0, 2.5], pa.float64())
    assert str(error.value) == (
        "events.csv, row 3: user_id is 2.5, expected an id: a whole number or text. Cast the column in the file."
    )
    with pytest.raises(DataError) as error:
        numbered([True, False, True], pa.bool_())
    assert str(error.value) == (
        "events.csv: user_id is bool, expected ids: integers or text. Choose another column in data.columns, or cast it in the file."
    )
