"""A fingerprint is of contents: nothing that leaves them alone changes it, and every change of them does."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from zoo.data.catalogue import Catalogue
from zoo.data.fingerprint import fingerprint
from zoo.data.interactions import Interactions


def log(**changes):
    made = Interactions.from_arrays(
        np.array([0, 0, 1]),
        np.array([1, 2, 3]),
        np.array([1, 2, 3]),
        events=np.array([0, 1, 0]),
        event_names=["a", "b"],
    )
    return replace(made, **changes)


TABLE = pa.table(
    {
        "title": ["", None, "ab", "c"],
        "tags": pa.array([[], None, ["a", "b"], ["c"]], pa.list_(pa.string())),
        "price": [None, 1.5, 0.0, 2.0],
        "sold": [None, 0, 1, 2],
        "new": [None, True, False, True],
        "when": pa.array([None, 1, 2, 3], pa.timestamp("ms")),
        "size": [{"w": 1}, {"w": None}, None, {"w": 3}],
    }
)
IDS = pa.array([None, "x", "y", "z"])
USERS = pa.array(["u", "v"])
BASE = fingerprint(log(), Catalogue(IDS, TABLE), USERS)


def of(table=TABLE, ids=IDS, users=USERS, **changes):
    return fingerprint(log(**changes), Catalogue(ids, table), users)


def changed(name, values, kind=None):
    at = TABLE.column_names.index(name)
    return TABLE.set_column(at, name, pa.array(values, kind or TABLE.schema.field(name).type))


def test_the_form_of_the_data_does_not_matter():
    halves = pa.concat_tables([pa.concat_tables([TABLE, TABLE]).slice(4, 1), TABLE.slice(1)])
    encoded = TABLE.set_column(0, "title", TABLE["title"].dictionary_encode())
    large = TABLE.set_column(0, "title", TABLE["title"].cast(pa.large_string()))
    narrow = TABLE.set_column(3, "sold", TABLE["sold"].cast(pa.int8()))
    turned = TABLE.select(TABLE.column_names[::-1])
    assert {of(t) for t in (TABLE, halves, encoded, large, narrow, turned)} == {BASE}
    assert of(items=np.array([1, 2, 3], np.int32)) == BASE


def test_values_behind_a_null_do_not_matter():
    values = pa.Array.from_buffers(
        pa.float64(), 4, [pa.array([True, False, False, False]).buffers()[1], pa.py_buffer(np.array([9.0, 8, 7, 6]))]
    )
    other = pa.Array.from_buffers(
        pa.float64(), 4, [pa.array([True, False, False, False]).buffers()[1], pa.py_buffer(np.array([9.0, 1, 1, 1]))]
    )
    assert of(pa.table({"p": values})) == of(pa.table({"p": other}))


@pytest.mark.parametrize(
    "other",
    [
        lambda: of(changed("title", ["", None, "a", "bc"])),
        lambda: of(changed("title", [None, None, "ab", "c"])),
        lambda: of(changed("tags", [[], None, ["a"], ["b", "c"]])),
        lambda: of(changed("tags", [None, None, ["a", "b"], ["c"]])),
        lambda: of(changed("price", [None, 1.5, None, 2.0])),
        lambda: of(changed("sold", [None, 1, 0, 2])),
        lambda: of(changed("sold", ["", "0", "1", "2"], pa.string())),
        lambda: of(changed("new", [None, True, True, True])),
        lambda: of(changed("when", [None, 1, 2, 4])),
        lambda: of(changed("size", [{"w": 1}, None, None, {"w": 3}])),
        lambda: of(TABLE.rename_columns(["name", *TABLE.column_names[1:]])),
        lambda: of(ids=pa.array([None, "x", "z", "y"])),
        lambda: of(users=pa.array(["u", "w"])),
        lambda: of(items=np.array([1, 3, 2], np.int32)),
        lambda: of(times=np.array([1, 2, 4])),
        lambda: of(events=np.array([0, 0, 0], np.uint8)),
        lambda: of(offsets=np.array([0, 1, 3])),
        lambda: of(event_names=("a", "c")),
        lambda: of(event_weights=np.array([1, 2], np.float32)),
        lambda: of(clock="position"),
        lambda: of(n_items=4),
    ],
)
def test_every_change_matters(other):
    assert other() != BASE
