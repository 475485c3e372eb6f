"""What each finding says, and what is none. `tests/planted` measures how well they find what was planted."""

import numpy as np
import pyarrow as pa
import pytest

START = np.datetime64("2024-03-01T00:00", "ms").astype(np.int64)
DAY = 86_400_000


def faults(report):
    return {fault.name: fault for fault in report.faults if not fault.name.startswith(("split", "no-split"))}


def log(n=200, **columns):
    """Return events of ten users, one an hour."""
    return {
        "user_id": np.repeat(np.arange(10), n // 10),
        "item_id": np.arange(n) * 7 % 30,
        "timestamp": START + np.arange(n) * 3_600_123,
        **columns,
    }


def test_titles_that_name_kinds_of_goods_are_no_finding(report_on, shop):
    titles = pa.array([f"socks {n % 40}" for n in range(shop.items.num_rows)])
    items = shop.items.set_column(shop.items.column_names.index("title"), "title", titles)
    assert "repeated-titles" not in faults(report_on(shop.interactions, items))


def test_a_cell_that_is_no_number_is_a_finding_and_does_not_end_the_report(report_on):
    prices = ["5.00"] * 200
    prices[7] = "N/A"
    found = faults(report_on(log(price=prices, quantity=["1"] * 200)))
    assert list(found) == ["unreadable-numbers"]
    fault = found["unreadable-numbers"]
    assert fault.found.endswith("events.parquet, row 8: price is 'N/A', expected a number such as 12.50")
    assert fault.remedy.startswith("correct such cells or leave them empty")


def test_an_example_names_user_item_time_file_and_row(report_on):
    report = report_on(
        {
            "user_id": ["a", "a", "b", "b"],
            "item_id": ["x", "x", "y", "z"],
            "timestamp": [1.7e12, 1.7e12, 1.7e12, 1.8e12],
        }
    )
    (example,) = faults(report)["exact-duplicates"].examples
    assert (example.user, example.item, example.time) == ("a", "x", "2023-11-14T22:13:20Z")
    assert example.place.endswith("events.parquet, row 2")
    assert str(example) == f"user a, item x, time 2023-11-14T22:13:20Z, {example.place}"


def test_a_finding_says_what_it_concerns_its_effect_and_what_to_do(report_on):
    rows = log(price=np.where(np.arange(200) % 50, 5.0, -5.0), quantity=np.where(np.arange(200) % 40, 1, -1))
    report = report_on(rows, {"item_id": np.arange(30), "title": [None, *(f"title {n}" for n in range(29))]})
    assert {name: fault.concerns for name, fault in faults(report).items()} == {
        "negative-quantities": "events",
        "price-outliers": "events",
        "items-without-title": "items",
    }
    for fault in report.faults:
        assert fault.effect
        assert fault.remedy
    (plain,) = [fault for fault in report.as_json()["faults"] if fault["name"] == "price-outliers"]
    assert plain["count"] == 4
    assert "at" not in plain


def test_times_in_other_units_are_named(report_on):
    times = np.array(log()["timestamp"])
    times[::50] //= 1000
    fault = faults(report_on(log(timestamp=times.astype("M8[ms]"))))["mixed-units"]
    assert fault.found == "times that fit the others if they are seconds"
    assert fault.count == 4
    times = np.array(log()["timestamp"])
    times[::50] = np.arange(4)
    assert {"epoch-times"} == {"epoch-times", "mixed-units"} & {
        *faults(report_on(log(timestamp=times.astype("M8[ms]"))))
    }


@pytest.mark.parametrize(("ids", "variants"), [
    (["ann", "Ann", "bob", "carl ", "dave", "eve"], {"ann", "Ann"}),
    (["ann", "bob", " bob", "bob\t", "eve"], {"bob", " bob", "bob\t"}),
    (["aBc1", "Abc1", "xYz2", "Qr Q", "QrQ"], {"Qr Q", "QrQ"}),
    (["12", "12.0", "012", "120", "x12"], {"12", "12.0", "012"}),
    (["ann", "bob"], set()),
])  # fmt: skip
def test_ids_in_other_spellings(report_on, ids, variants):
    """Where many ids have letters of both cases, the case is a part of the id."""
    rows = log(user_id=np.array(ids)[np.arange(200) % len(ids)].tolist())
    fault = faults(report_on(rows)).get("user-id-variants")
    assert (fault.count if fault else 0) == len(variants)
    assert {example.user for example in fault.examples} <= variants if fault else not variants


def test_prices_of_zero_are_missing_prices_if_they_are_many(report_on):
    event = np.where(np.arange(200) % 2, "view", "purchase")
    free = np.arange(200) % 44 == 0
    few = log(event=event, price=np.where(free, 0.0, 5.0))
    assert faults(report_on(few))["zero-prices"].count == 5
    views = log(event=event, price=np.where(event == "view", 0.0, 5.0))
    assert "zero-prices" not in faults(report_on(views))


def test_columns_with_one_value_are_named(report_on):
    items = {"item_id": np.arange(30), "currency": ["EUR"] * 30, "flag": [None] * 30, "sometimes": [True, None] * 15}
    fault = faults(report_on(log(), items))["constant-columns"]
    assert fault.found == "columns of the items with one value, or none: 'currency', 'flag'"
    assert [example.value for example in fault.examples] == ["currency = EUR", "flag = None"]


def test_items_without_a_row_are_not_counted_again_as_items_without_a_title(report_on):
    titles = ["", "  ", None, *"abcdefghijklmnopqrstuv"]
    items = {"item_id": np.arange(25), "title": titles, "category": ["x", "y", "z", None, "y"] * 5}
    found = faults(report_on(log(), items))
    assert found["items-without-row"].count == 5
    assert {example.item for example in found["items-without-row"].examples} <= {*map(str, range(25, 30))}
    assert found["items-without-title"].count == 3
    assert found["items-without-category"].count == 5
    (lacking,) = [fault for fault in report_on(log(), {"item_id": np.arange(25), "title": titles}).faults if fault.name == "items-without-row"]  # fmt: skip
    assert (lacking.count, lacking.examples) == (5, ())  # the row of item 2 cannot be told from one that lacks


def test_an_import_is_found_beside_large_baskets(report_on):
    times = np.array(log()["timestamp"])
    times[:20] = times[0]  # a basket of one user
    times[100::4] = times[100]  # twenty-five events of five users
    assert "one-moment" not in faults(report_on(log(timestamp=times)))
    users = np.arange(200) % 50
    users[:20] = 0
    assert faults(report_on(log(timestamp=times, user_id=users)))["one-moment"].count == 25
