"""Judged lists from tables: who is with whom, in what order, and what is refused."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from zoo.config.rank_experiment import Folds, GivenLists, JudgedData
from zoo.data.dataset import Tables
from zoo.data.folds import folds
from zoo.data.judgments import Judgments
from zoo.data.read_judgments import read_judgments
from zoo.errors import DataError, SplitError

ROWS = {
    "qid": ["b", "a", "b", "c", "a", "b"],
    "label": [2, 1, 1, 1, 4, 3],
    "x": [0.5, None, 1.5, 2.5, 3.5, 4.5],
    "y": [7, 7, 7, 7, 7, 7],
    "note": ["", "", "", "", "", ""],
    "part": ["2", "10", "2", "1", "10", "2"],
    "query": ["blue", "red", "blue", "hat", "red", "blue"],
    "title": ["blue hat", "red hat", None, "hat", "a red one", "sky"],
}


def read(
    rows: dict[str, Any] | None = None,
    column: str | None = None,
    items: Any = None,
    *,
    restart: bool = False,
    **settings: Any,
) -> Judgments:
    given = {"columns": {"query_id": "qid"}, "features": ["x", "y"], "label_from": 1, **settings}
    tables = Tables(pa.table({**ROWS, **(rows or {})}), items, "file", "docs", ids_restart=restart)
    return read_judgments(tables, JudgedData.model_validate({"source": "files", **given}), column)


def test_each_list_has_its_documents_with_their_labels_and_features() -> None:
    lists = read()

    assert lists.query_ids.to_pylist() == ["a", "b", "c"]
    assert np.diff(lists.offsets).tolist() == [2, 3, 1]
    found = [
        sorted(zip(lists.labels[a:b].tolist(), np.nan_to_num(lists.features[a:b, 0], nan=-1).tolist(), strict=True))
        for a, b in zip(lists.offsets, lists.offsets[1:], strict=False)
    ]
    assert found == [[(0, -1), (3, 3.5)], [(0, 1.5), (1, 0.5), (2, 4.5)], [(0, 2.5)]]
    assert lists.columns == ("x", "y")
    assert lists.notes["features that never vary"] == "y"
    assert lists.notes["lists without a relevant document"] == 1
    assert lists.notes["values missing in features"] == 1


def test_columns_of_any_arrow_type_are_the_same() -> None:
    typed = {
        "qid": pa.array(ROWS["qid"], pa.string_view()),
        "label": pa.array(ROWS["label"], pa.uint8()),
        "x": pa.array(ROWS["x"], pa.float64()).cast(pa.decimal128(20, 3)),
        "y": pa.array(ROWS["y"], pa.int8()),
        "part": pa.array(ROWS["part"], pa.large_string()),
        "query": pa.array(ROWS["query"]).dictionary_encode(),
        "title": pa.array(ROWS["title"], pa.large_string()),
    }
    plain, found = (read(rows, "part", text=["title"]) for rows in (None, typed))
    assert found.fingerprint == plain.fingerprint
    assert (found.texts, found.parts) == (plain.texts, plain.parts)
    assert found.catalogue.table.equals(plain.catalogue.table)


def test_the_order_within_a_list_does_not_follow_the_file() -> None:
    """A file sorted by label would else give a constant ranker the best lists."""
    n = 2000
    rows = {
        "qid": [str(i // 20) for i in range(n)], "label": [20 - i % 20 for i in range(n)], "x": [0.0] * n, "y": [0.0] * n,
        **{name: [""] * n for name in ("note", "part", "query", "title")},
    }  # fmt: skip
    lists = read(rows)

    first = lists.labels[lists.offsets[:-1]]
    assert 7 < first.mean() < 12  # by chance 9.5, in the order of the file 19
    assert (lists.labels == read(rows).labels).all()
    assert (lists.labels != read(rows, salt="other").labels).any()


def test_patterns_choose_features_and_what_has_a_meaning_is_none() -> None:
    assert read(features=["?"]).columns == ("x", "y")
    with pytest.raises(DataError, match=r"data.features names 'xx', which matches no column.*Its other columns: x, y"):
        read(features=["xx"])
    with pytest.raises(DataError, match="rankers have no features"):
        read(features=[])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"label": [2, 1, 0, 1, 4, 3]}, "file, row 3: label is 0, expected a number from 1 to 31"),
        ({"label": [2, 1, None, 1, 4, 3]}, "file, row 3: label is None, expected a number from 1 to 31"),
        ({"label": ["2", "1", "1", "good", "4", "3"]}, "file, row 4: label is 'good', expected a number"),
        ({"x": [1.0, 2, 3, np.inf, 5, 6]}, "file, row 4: x is inf, expected a number that float32 can hold"),
        ({"qid": ["b", None, "b", "c", "a", "b"]}, "file, row 2: query_id is empty, expected an id"),
    ],
)
def test_what_is_no_list_is_named_with_its_row(rows: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(rows)


def test_a_column_that_is_no_number_is_no_feature() -> None:
    with pytest.raises(DataError, match="file, row 1: note is '', expected a number"):
        read(features=["note"])


def test_parts_are_folds_in_the_order_of_their_numbers() -> None:
    """Parts 1, 2 and 10: the first tests with the last validating, the second with the first."""
    made = folds(read(column="part"), Folds(policy="folds", column="part"))

    a, b, c = 0, 1, 2  # of parts 10, 2 and 1
    shown = [[np.flatnonzero(m).tolist() for m in (f.train, f.validate, f.test)] for f in made]
    assert shown == [[[b], [a], [c]], [[a], [c], [b]], [[c], [b], [a]]]


def test_queries_are_dealt_evenly_and_each_tests_once() -> None:
    n = 103
    rows = {name: [values[0]] * n for name, values in ROWS.items()} | {"qid": list(map(str, range(n)))}
    lists = read(rows)
    made = folds(lists, Folds(policy="folds", folds=4, validate=False))

    assert sorted(f.test.sum() for f in made) == [25, 26, 26, 26]
    assert (sum(f.test.astype(int) for f in made) == 1).all()
    assert all((f.train == ~f.test).all() and not f.validate.any() for f in made)
    other = folds(lists, Folds(policy="folds", folds=4, seed=1))
    assert (other[0].test != made[0].test).any()


def test_a_query_of_two_parts_is_refused() -> None:
    with pytest.raises(DataError, match=r"file, row 2: part is '10' here and '1' in row 5, which has the same query"):
        read({"part": ["2", "10", "2", "1", "1", "2"]}, column="part")


def test_a_query_of_two_texts_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"file, row 6: query is 'sky' here and 'blue' in row \d, which has the same query"
    ):
        read({"query": ["blue", "red", "blue", "hat", "red", "sky"]}, text=["title"])


def test_a_document_judged_twice_for_one_query_is_refused() -> None:
    with pytest.raises(DataError, match="file, row 6: item_id 'k' was already judged for the same query in row 1"):
        read({"item_id": ["k", "l", "m", "k", "k", "k"]}, items=pa.table({"item_id": ["k", "l", "m"]}))


def test_a_value_of_two_parts_is_refused() -> None:
    with pytest.raises(
        ValidationError, match="expected each value in one of train, validate and test, found 'test' in two"
    ):
        GivenLists(train=["train", "test"])


def test_lists_that_come_split_may_number_their_queries_anew() -> None:
    lists = read({"part": ["train", "train", "test", "test", "test", "train"]}, column="part", restart=True)

    assert sorted(zip(lists.query_ids.to_pylist(), lists.parts or [], np.diff(lists.offsets).tolist(), strict=True)) == [
        ("a", "test", 1), ("a", "train", 1), ("b", "test", 1), ("b", "train", 2), ("c", "test", 1),
    ]  # fmt: skip
    (fold,) = folds(lists, GivenLists(column="part"))
    assert fold.test.tolist() == [part == "test" for part in lists.parts or []]
    with pytest.raises(
        SplitError, match=r"split.test: no query has 'tests' in the column 'part'. The column's values: test, train"
    ):
        folds(lists, GivenLists(column="part", test=["tests"]))


def test_documents_may_have_a_table_of_their_own() -> None:
    items = pa.table({"item_id": ["k", "l", "m"], "title": ["K", "L", None]})
    rows = {"item_id": ["k", "l", "m", "k", "k", "l"]}
    lists = read(rows, items=items, text=["title"], features=[])

    assert len(lists.catalogue) == 4
    assert lists.texts == ["red", "blue", "hat"]
    ids = lists.catalogue.ids.take(pa.array(lists.documents)).to_pylist()
    assert sorted(ids[:2]) == ["k", "l"]
    with pytest.raises(DataError, match="file, row 3: item_id is 'z', which is not in docs"):
        read({"item_id": ["k", "l", "z", "k", "k", "l"]}, items=items, text=["title"], features=[])


def test_a_user_table_is_refused() -> None:
    tables = Tables(pa.table(ROWS), users=pa.table({"user_id": ["a"]}), users_from="users.csv")
    with pytest.raises(DataError) as error:
        read_judgments(tables, JudgedData.model_validate({"source": "files"}), None)
    assert str(error.value) == (
        "data.source: judged lists have queries and no users, and the source has the user table users.csv. Remove `users`."
    )
