"""Columns that a report guesses, by their names and by their values, and those that it leaves out."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from zoo.config.load import load_data_experiment
from zoo.data.analysis.column_values import looks_like_event_types, looks_like_times
from zoo.data.analysis.guess import EVENT_COLUMNS, ITEM_COLUMNS, USER_COLUMNS, read_for_report
from zoo.data.near_columns import USUAL_WORDS
from zoo.errors import DataError
from zoo.registry.registry import registry_with

DAYS = [f"2024-05-{1 + n % 28:02}T10:{n % 60:02}:00" for n in range(60)]
EVENTS = {
    "customer": [f"c{n % 7}" for n in range(60)],
    "sku": [f"s{n % 11}" for n in range(60)],
    "happened": DAYS,
    "what": [("view", "cart", "purchase")[n % 3] for n in range(60)],
    "qty": ["1"] * 60,
    "unit_price": ["2.50"] * 60,
}

UNORDERED = ("data.time=file-order", "split.policy=leave-last-out")


@pytest.fixture
def read(tmp_path):
    """Return a function that writes tables as CSV files and reads them as the report does."""

    def read(events, *overrides, items=None):
        files = [tmp_path / "events.csv"]
        for name, table in (("events", events), ("items", items)):
            if table is not None:
                rows = [",".join(table), *(",".join(row) for row in zip(*table.values(), strict=True))]
                (tmp_path / f"{name}.csv").write_text("\n".join(rows))
        if items is not None:
            files.append(tmp_path / "items.csv")
        experiment = load_data_experiment(*files, overrides=overrides, registry=registry_with())
        return read_for_report(experiment.source.build(), experiment.experiment.data, guess=True)

    return read


def test_times_and_event_types_are_guessed_by_their_values(read):
    found = read(EVENTS)
    assert "timestamp is the column 'happened' of the events, by its values" in found.guessed
    assert "event is the column 'what' of the events, by its values" in found.guessed
    assert found.settings.columns["timestamp"] == "happened"
    assert found.data.log.clock == "timestamp"
    assert found.data.log.event_names == ("cart", "purchase", "view")
    assert found.unused == ()


def test_when_is_a_known_name_of_times_and_cat_of_a_category(read):
    events = {("when" if name == "happened" else name): values for name, values in EVENTS.items()}
    items = {"sku": [f"s{n}" for n in range(11)], "cat": ["a", "b"] * 5 + ["a"]}
    found = read(events, items=items)
    assert "timestamp is the column 'when' of the events" in found.guessed
    assert "category is the column 'cat' of the items" in found.guessed


def test_two_columns_of_times_are_named_and_none_is_guessed(read):
    found = read({**EVENTS, "packed on": DAYS[::-1], "colour": ["red"] * 60})
    assert found.data.log.clock == "file-order"
    assert found.unused == (
        "happened (looks like times; use it with --set data.columns.timestamp=happened)",
        "packed on (looks like times; use it with --set 'data.columns.timestamp=packed on')",
        "colour",
    )
    found = read({**EVENTS, "packed on": DAYS[::-1]}, "data.columns.timestamp=packed on")
    assert found.data.log.clock == "timestamp"
    assert found.unused == ("happened",)


@pytest.mark.parametrize("owner", ["customer", "sku"])
def test_a_date_of_each_user_or_item_is_no_time_of_events(read, owner):
    found = read({**EVENTS, "happened": [f"1990-01-{1 + int(value[1:]):02}" for value in EVENTS[owner]]})
    assert found.data.log.clock == "file-order"
    assert found.unused == ("happened (looks like times; use it with --set data.columns.timestamp=happened)",)


def test_a_missing_value_keeps_a_column_from_being_guessed(read):
    found = read({**EVENTS, "happened": ["", *DAYS[1:]], "what": ["", *EVENTS["what"][1:]]})
    assert "timestamp" not in found.settings.columns
    assert "event" not in found.settings.columns
    assert [name.split(";")[0] for name in found.unused] == [
        "happened (looks like times",
        "what (looks like event types",
    ]


def test_times_are_not_guessed_where_a_setting_or_positions_order_the_events(read):
    assert "timestamp" not in read(EVENTS, *UNORDERED).settings.columns
    found = read({**EVENTS, "position": [str(n) for n in range(60)]})
    assert found.data.log.clock == "position"


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("happened", [1_700_000_000, 1_700_000_060], True),
        ("happened", ["1700000000000", "1700000060000"], True),
        ("happened", [1_700_000_000.5, None], True),
        ("happened", ["2024-05-31", "2024-06-01T10:00:00+02:00"], True),
        ("happened", ["2024-05-31", "soon"], False),
        ("happened", ["1700000000", "1700000000000"], False),
        ("happened", [1, 2, 3], False),
        ("happened", [4_006_381_333_931, 4_006_381_333_932], False),  # bar codes
        ("line_id", [1_700_000_000, 1_700_000_060], False),
        ("happened", [True, False], False),
        ("happened", [None, None], False),
        ("happened", ["red", "blue"], False),
    ],
)
def test_what_looks_like_times(name, values, expected):
    assert looks_like_times(name, pa.chunked_array([pa.array(values)])) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["View", "add_to_cart"], True),
        (["page-view", None], True),
        (["red", "blue"], False),
        (["buy", *map(str, range(12))], False),
        ([1, 2], False),
        ([["buy"], ["view"]], False),
    ],
)
def test_what_looks_like_event_types(values, expected):
    assert looks_like_event_types(pa.chunked_array([pa.array(values)])) is expected


@pytest.mark.parametrize("name", ["qty", "unit_price"])
def test_a_guessed_number_that_cannot_be_read_is_left_out_and_said(read, tmp_path, name):
    known = {"qty": "quantity", "unit_price": "price"}[name]
    found = read({**EVENTS, name: ["n/a", *EVENTS[name][1:]]})
    assert (
        f"{known}: {name!r} was left out: {tmp_path / 'events.csv'}, row 1: {known} ({name!r} in the data) is 'n/a', expected a "
        "number such as 12.50. Correct the row" in found.guessed
    )
    assert known not in found.settings.columns
    assert len(found.data.log) == 60


def test_a_guessed_event_type_that_is_missing_and_a_price_of_items_are_left_out(read):
    events = {("action" if name == "what" else name): values for name, values in EVENTS.items()}
    items = {"sku": [f"s{n}" for n in range(11)], "cost": ["free"] * 11}
    found = read({**events, "action": [*events["action"][:-1], ""]}, items=items)
    said = "; ".join(found.guessed)
    assert re.search(r"event: 'action' was left out: .*row 60: event \('action' in the data\) is empty", said)
    assert re.search(r"price: 'cost' was left out: .*items.csv, row 1", said)
    assert found.data.log.event_names == ("interaction",)
    assert found.settings.item_columns == {"item_id": "sku"}


def test_a_number_that_was_named_and_cannot_be_read_is_an_error(read):
    found = read({**EVENTS, "unit_price": ["n/a"] * 60}, "data.columns.price=unit_price")
    with pytest.raises(DataError, match="price"):
        found.data.log.source.select(["price"])


def test_a_time_that_cannot_be_read_says_how_to_go_on(read):
    events = {("when" if name == "happened" else name): values for name, values in EVENTS.items()}
    with pytest.raises(DataError) as caught:
        read({**events, "when": [*DAYS[:-1], "soon"]})
    first, advice = str(caught.value).splitlines()
    assert "row 60: timestamp ('when' in the data) is 'soon'" in first
    assert advice == (
        "To go on, correct or remove such rows in the file, name another column with --set data.columns.timestamp=NAME, or read "
        "the events without their times: --set data.time=file-order --set split.policy=leave-last-out"
    )
    assert read({**events, "when": [*DAYS[:-1], "soon"]}, *UNORDERED).data.log.clock == "file-order"


def test_a_mapping_of_no_column_is_refused_as_such(read):
    with pytest.raises(DataError, match=r"data\.columns maps 'user_id' to 'buyer', which is not a column"):
        read(EVENTS, "data.columns.user_id=buyer")


def test_the_docs_have_the_known_names():
    page = Path(__file__).parents[3] / "docs" / "how-to" / "look-at-data.md"
    section = page.read_text(encoding="utf-8").partition("## Names that are known")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE))
    looked_for = [*EVENT_COLUMNS, *ITEM_COLUMNS, *USER_COLUMNS]
    assert {name: tuple(re.findall(r"`(\w+)`", words)) for name, words in rows.items()} == {
        name: USUAL_WORDS[name] for name in looked_for
    }
