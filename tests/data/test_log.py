"""From tables to a log: what is kept, what is counted, and what is refused."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from zoo.config.experiment import DataSettings
from zoo.data.dataset import Tables
from zoo.data.log import read_data
from zoo.errors import DataError

DAY = 86_400_000
START = 1_700_000_000_000


def tables(rows, items=None, names=("user_id", "item_id", "timestamp", "event")):
    columns = list(zip(*rows, strict=True)) if rows else [[] for _ in names]
    return Tables(
        pa.table({name: list(c) for name, c in zip(names, columns, strict=False)}), items, "events.csv", "items.csv"
    )


def data_of(rows, items=None, **settings):
    source = rows if isinstance(rows, Tables) else tables(rows, items)
    return read_data(source, DataSettings.model_validate({"source": "files", **settings}))


def refused(rows, items=None, **settings):
    with pytest.raises(DataError) as error:
        data_of(rows, items, **settings)
    return str(error.value)


def listed(data):
    """Return the log as (user, item, time, event) by their own ids."""
    log, ids, users = data.log, data.catalogue.ids.to_pylist(), data.user_ids.to_pylist()
    return [
        (users[u], ids[i], int(t), log.event_names[e])
        for u, i, t, e in zip(log.users, log.items, log.times, log.events, strict=True)
    ]


ROWS = [
    ("b", "x", START + 2 * DAY, "view"),
    ("a", "y", START + 1 * DAY, "purchase"),
    ("b", "y", START + 1 * DAY, "view"),
    ("b", "x", START + 2 * DAY, "purchase"),
    ("a", "z", START + 1 * DAY, "cancel"),
]


def test_events_are_sorted_by_user_and_time_and_ties_keep_the_order_of_the_file_if_it_is_asked_for():
    data = data_of(ROWS, ties="file")
    assert data.log.ties == "file"
    assert listed(data) == [ROWS[1], ROWS[4], ROWS[2], ROWS[0], ROWS[3]]
    assert data.log.event_names == ("cancel", "purchase", "view")
    assert data.log.rows.tolist() == [1, 4, 2, 0, 3]
    assert data.notes == {
        "rows": 5, "times read as": "milliseconds", "events": 5, "users": 2, "items": 3, "events at the same time as the one before": 2,
    }  # fmt: skip


def number_of(item):
    """Return what orders items by their number: a hash of the id."""
    return blake2b(item.encode(), digest_size=8).digest()


def test_events_at_one_moment_are_ordered_by_item_number_and_event_code():
    data = data_of(ROWS)
    assert data.log.ties == "together"
    tied = sorted([ROWS[1], ROWS[4]], key=lambda row: number_of(row[1]))
    assert listed(data) == [*tied, ROWS[2], ROWS[3], ROWS[0]]
    assert listed(data_of(ROWS[::-1])) == listed(data)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz"), st.integers(0, 5), st.sampled_from("pv")),
        min_size=1,
        max_size=50,
    ),
    st.sampled_from(["keep", "drop-exact", "first", "last"]),
    st.sampled_from([["p"], ["v"], ["p", "v"], None]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["auto", "file-order"]),
    st.sampled_from(["together", "file"]),
)
@settings(max_examples=200)
def test_filters_agree_with_a_reference(rows, duplicates, events, user_core, item_core, time, ties):
    rows = [(*row, at) for at, row in enumerate(rows)]
    kept = [row for row in rows if events is None or row[3] in events]
    in_file = time == "file-order"
    kept.sort(key=lambda row: (row[0], row[4] if in_file else row[2], row[4]))
    if ties == "together" and not in_file:
        kept.sort(key=lambda row: (row[0], row[2], number_of(row[1]), row[3], row[4]))
    if duplicates == "drop-exact":
        first = {}
        for row in kept:
            first.setdefault((*row[:2], row[3]) if in_file else row[:4], row)
        kept = [row for row in kept if row in first.values()]
    elif duplicates != "keep":
        chosen = {}
        for row in kept:
            if duplicates == "last" or row[:2] not in chosen:
                chosen[row[:2]] = row
        kept = [row for row in kept if row in chosen.values()]
    while True:
        users, items = Counter(row[0] for row in kept), Counter(row[1] for row in kept)
        core = [row for row in kept if users[row[0]] >= user_core and items[row[1]] >= item_core]
        if len(core) == len(kept):
            break
        kept = core
    given_settings = {
        "duplicates": duplicates,
        "k_core": {"user": user_core, "item": item_core},
        "time": time,
        "ties": ties,
    }
    known = {row[3] for row in rows}
    if events is not None and not set(events) <= known:
        assert "no event" in refused([row[:4] for row in rows], events=events, **given_settings)
        return
    if not kept:
        assert "no event is left" in refused([row[:4] for row in rows], events=events, **given_settings)
        return
    data = data_of([row[:4] for row in rows], events=events, **given_settings)
    assert [(u, i, e) for u, i, _, e in listed(data)] == [(row[0], row[1], row[3]) for row in kept]
    assert data.log.rows.tolist() == [row[4] for row in kept]
    assert data.user_ids.to_pylist() == sorted({row[0] for row in kept})
    assert (data.log.lengths > 0).all()
    assert set(data.catalogue.ids.to_pylist()[1:]) == {row[1] for row in kept}
    left_out = sum(v for k, v in data.notes.items() if k.startswith("left out"))
    assert data.notes["events"] == len(kept) == data.notes["rows"] - left_out


def test_what_is_left_out_is_counted_by_reason():
    rows = [*ROWS, ROWS[0], ("c", "x", START, "view"), (None, "x", START, "view"), ("c", None, START, "view")]
    data = data_of(rows, events=["view", "purchase"], duplicates="drop-exact", k_core={"user": 2}, null_ids="drop")
    assert {k: v for k, v in data.notes.items() if k.startswith("left out")} == {
        "left out: rows of events.csv without user_id": 1,
        "left out: rows of events.csv without item_id": 1,
        "left out: event 'cancel'": 1,
        "left out: duplicates": 1,
        "left out: k-core": 2,
    }


def test_a_log_that_ends_at_a_moment_holds_what_happened_before():
    moment = datetime.fromtimestamp((START + 2 * DAY) / 1000, UTC)
    data = data_of(ROWS, until=moment.isoformat())
    assert listed(data) == listed(data_of([row for row in ROWS if row[2] < START + 2 * DAY]))
    assert data.notes["left out: events from data.until on"] == 2
    assert "no event is left (rows: 5; left out: events from data.until on: 5)" in refused(ROWS, until="2001-01-01")
    later = moment + timedelta(milliseconds=1)
    assert listed(data_of(ROWS, until=later.isoformat())) == listed(data_of(ROWS))
    assert refused(ROWS, until=moment.isoformat(), time="file-order") == (
        f"data.until = {moment:%Y-%m-%dT%H:%M:%SZ} needs timestamps, and the events are ordered by file-order only. "
        "Remove it, or use a log with timestamps."
    )
    with pytest.raises(ValidationError, match="expected a date, found 5"):
        DataSettings.model_validate({"source": "files", "until": 5})


def test_a_sample_of_the_users_depends_on_their_ids_alone():
    rng = np.random.default_rng(0)
    rows = [(f"u{u}", f"i{i}", START + t, "view") for t, (u, i) in enumerate(rng.integers(0, 40, (400, 2)))]
    data = data_of(rows, sample_users=10)
    chosen = {*data.user_ids.to_pylist()}
    assert len(chosen) == 10
    assert listed(data) == [row for row in listed(data_of(rows)) if row[0] in chosen]
    assert data.notes["left out: users outside the sample"] == 400 - len(data.log)
    later = [(user, item, time + DAY, "view") for user, item, time, _ in rows[::-1]]
    assert {*data_of(rows[:1] + later, sample_users=10).user_ids.to_pylist()} == chosen
    assert chosen < {*data_of(rows, sample_users=11).user_ids.to_pylist()}
    assert chosen != {*data_of(rows, sample_users=10, salt="another").user_ids.to_pylist()}
    assert listed(data_of(rows, sample_users=40)) == listed(data_of(rows))


def test_event_types_have_weights():
    data = data_of(ROWS, event_weights={"purchase": 5, "view": 0.5}, ties="file")
    assert data.log.event_weights.tolist() == [1.0, 5.0, 0.5]
    assert data.log.weights.tolist() == [5.0, 1.0, 0.5, 0.5, 5.0]


def test_columns_are_mapped_and_further_ones_keep_to_their_events():
    rows = [("b", "x", 3, 1.5), ("a", "y", 2, 2.5), ("b", "z", 1, 3.5)]
    source = tables(rows, names=("customer", "sku", "step", "amount"))
    data = data_of(
        source,
        columns={"user_id": "customer", "item_id": "sku", "position": "step", "price": "amount"},
        time="position",
    )
    assert data.log.clock == "position"
    assert data.log.column("price").to_pylist() == [2.5, 3.5, 1.5]
    with pytest.raises(DataError) as error:
        data.log.column("prize")
    assert str(error.value).startswith("the event log has no column 'prize'. Did you mean 'price'? Its columns: ")


def test_the_catalogue_is_in_the_order_of_the_item_numbers():
    items = pa.table(
        {"item_id": ["n", "y", None, "x"], "title": ["new", "why", "lost", "ex"], "price": ["1.5", "", "2", "3"]}
    )
    data = data_of(ROWS, items, null_ids="drop")
    ids = data.catalogue.ids.to_pylist()
    assert ids[0] is None
    assert set(ids[1:]) == {"x", "y", "z", "n"}
    titles = {"n": "new", "y": "why", "x": "ex", None: None, "z": None}
    assert data.catalogue.column("title").to_pylist() == [titles[i] for i in ids]
    prices = dict(zip(ids, data.catalogue.numbers("price").tolist(), strict=True))
    assert (prices["n"], prices["x"]) == (1.5, 3.0)
    assert np.isnan([prices["y"], prices["z"], prices[None]]).all()
    assert data.catalogue.columns == ["title", "price"]
    assert data.notes["items of the log that the item table lacks"] == 1
    assert data.notes["items without an event"] == 1
    assert data.notes["left out: rows of items.csv without item_id"] == 1


def test_an_item_table_with_nothing_but_ids_is_a_catalogue():
    data = data_of(ROWS, pa.table({"sku": ["n", "x"]}), item_columns={"item_id": "sku"})
    assert len(data.catalogue) == 5
    assert data.catalogue.columns == []


def test_an_item_that_is_listed_twice_is_refused():
    items = pa.table({"item_id": ["x", None, "y", "x"], "title": ["1", "2", "3", "4"]})
    assert refused(ROWS, items, null_ids="drop") == (
        "items.csv, row 4: item_id 'x' occurs already in items.csv, row 1, expected each item once. Remove one of the rows."
    )


def test_an_item_table_without_item_id_is_refused():
    assert refused(ROWS, pa.table({"itemid": ["x"]})) == (
        "items.csv: no column 'item_id'. Did you mean 'itemid'? Its columns: itemid. "
        'Map the column that holds it: data.item_columns = { item_id = "itemid" } (in Python, item_columns={"item_id": "itemid"}).'
    )
    assert refused(ROWS, pa.table({"item_id": pa.array([], pa.string())})) == (
        "items.csv: the table has no rows, expected one row per item. Choose another file."
    )


@pytest.mark.parametrize("empty", [None, "", " \t"])
@pytest.mark.parametrize(("name", "at"), [("user_id", 0), ("item_id", 1)])
def test_a_row_without_an_id_is_refused(empty, name, at):
    row = list(ROWS[0])
    row[at] = empty
    assert refused([*ROWS, tuple(row)]) == (
        f"events.csv, row 6: {name} is empty, expected an id (rows without {name}: 1). "
        'Correct the data, or drop these rows: data.null_ids = "drop" (in Python, null_ids="drop").'
    )


def test_rows_without_ids_are_counted_in_one_go():
    names = ("customer", "item_id", "timestamp", "event")
    rows = [*ROWS, ("c", None, START, "view"), (None, "x", START, "view"), (None, None, START, "view")]
    assert refused(tables(rows, names=names), columns={"user_id": "customer"}) == (
        "events.csv, row 7: user_id ('customer' in the data) is empty, expected an id "
        "(rows without user_id: 2, rows without item_id: 2). "
        'Correct the data, or drop these rows: data.null_ids = "drop" (in Python, null_ids="drop").'
    )


def test_an_item_table_of_other_items_is_refused():
    rows = [("a", "007", START, "view"), ("a", "008", START, "view")]
    assert refused(rows, pa.table({"item_id": [7, 8]})) == (
        "items.csv: this table has none of the 2 items of events.csv. An id there is '007', an id here is '7'. "
        "Ids are compared as text: write them the same way in both files (leading zeros, prefixes), or map `item_id` "
        "to the right column in data.columns or data.item_columns."
    )
    assert data_of(rows, pa.table({"item_id": ["7", "008"]})).notes["items of the log that the item table lacks"] == 1


def test_event_types_that_do_not_exist_are_refused():
    assert refused(ROWS, events=["purchse"]) == (
        "data.events: no event 'purchse' in the data. Did you mean 'purchase'? Its events: cancel, purchase, view."
    )
    assert refused(ROWS, event_weights={"veiw": 2.0}) == (
        "data.event_weights: no event 'veiw' in the data. Did you mean 'view'? Its events: cancel, purchase, view."
    )
    bare = tables([row[:3] for row in ROWS])
    assert refused(bare, events=["view"]) == (
        "data.events names event types, but: events.csv: no column 'event'. Its columns: user_id, item_id, timestamp. "
        'Map the column that holds it: data.columns = { event = ... } (in Python, columns={"event": ...}).'
    )
    assert data_of(bare).log.event_names == ("interaction",)


def test_an_event_without_a_type_and_too_many_types_are_refused():
    assert refused([*ROWS, ("a", "x", START, None)]) == (
        "events.csv, row 6: event is empty, expected the event type. Correct the row."
    )
    message = refused([("a", "x", START, f"e{i:03}") for i in range(300)])
    assert message.startswith(
        "events.csv: event has 300 different values (e000, e001, ...), expected at most 256 types."
    )


def test_a_table_without_rows_is_refused():
    assert refused([]) == "events.csv: the table has no rows, expected one row per event. Choose another file."


def test_a_log_of_which_nothing_is_left_is_refused_with_the_reasons():
    assert refused(ROWS, events=["cancel"], k_core=2) == (
        "events.csv: no event is left (rows: 5; left out: event 'purchase': 2; left out: event 'view': 2; left out: k-core: 1). "
        "Relax data.events, data.until, data.clean, data.k_core or data.null_ids (in Python, the keywords of `read_log`)."
    )
