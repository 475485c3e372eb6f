"""Defects that are planted into the built-in shop are found; the shop itself raises none."""

import numpy as np
import pyarrow as pa
import pytest

SIZES = ("split: few-queries", "split: few-validation-queries")


def names(report):
    return {fault.name for fault in report.faults} - set(SIZES)


def with_column(table, name, values):
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def plain(table):
    """Return the events with plain texts, so that rows can be changed."""
    columns = {
        n: table[n].cast(pa.string()) if pa.types.is_dictionary(table[n].type) else table[n] for n in table.column_names
    }
    return pa.table(columns)


def rows(table, share):
    """Return rows that are spread over a table."""
    return np.linspace(0, table.num_rows - 1, round(share * table.num_rows)).astype(np.int64)


def duplicates(events, items):
    return pa.concat_tables([events, events.take(rows(events, 0.02))]), items


def double_clicks(events, items):
    copies = events.take(rows(events, 0.02))
    return pa.concat_tables([events, with_column(copies, "timestamp", copies["timestamp"].to_numpy() + 300)]), items


def epoch(events, items):
    times = events["timestamp"].to_numpy().copy()
    times[rows(events, 0.01)] = 0
    return with_column(events, "timestamp", times.astype("M8[ms]")), items


def future(events, items):
    times = events["timestamp"].to_numpy().copy()
    times[rows(events, 0.01)] = np.datetime64("2199-01-01", "ms").astype(np.int64)
    return with_column(events, "timestamp", times), items


def midnight(events, items):
    times = events["timestamp"].to_numpy().copy()
    at = rows(events, 0.05)
    times[at] -= times[at] % 86_400_000
    return with_column(events, "timestamp", times), items


def days_only(events, items):
    times = events["timestamp"].to_numpy()
    return with_column(events, "timestamp", times - times % 86_400_000), items


def one_moment(events, items):
    times = events["timestamp"].to_numpy().copy()
    times[rows(events, 0.02)] = int(np.median(times))
    return with_column(events, "timestamp", times), items


def returns(events, items):
    quantity = events["quantity"].to_numpy().copy()
    quantity[rows(events, 0.02)] = -1
    return with_column(events, "quantity", quantity), items


def bot(events, items, share=0.2):
    at = rows(events, share)
    copy = events.take(at)
    copy = with_column(copy, "user_id", ["crawler"] * len(at))
    return pa.concat_tables([events, with_column(copy, "timestamp", copy["timestamp"].to_numpy() + 7_777)]), items


def staff(events, items):
    users = np.array(events["user_id"].to_pylist(), object)
    users[rows(events, 0.01)] = "test-user"
    return with_column(events, "user_id", users.tolist()), items


def guests(events, items):
    users = np.array(events["user_id"].to_pylist(), object)
    users[rows(events, 0.05)] = None
    return with_column(events, "user_id", pa.array(users.tolist(), pa.string())), items


def prices(events, items):
    price = events["price"].to_numpy().copy()
    price[rows(events, 0.005)] *= 1000
    return with_column(events, "price", price), items


def no_titles(events, items):
    titles = items["title"].to_pylist()
    return events, with_column(items, "title", pa.array([None if n % 10 == 0 else t for n, t in enumerate(titles)]))


def same_titles(events, items, share=0.2):
    titles = items["title"].to_pylist()
    many = round(share * len(titles))
    return events, with_column(
        items, "title", [titles[n - 1].upper() if n % 2 and n < many else t for n, t in enumerate(titles)]
    )


def item_prices(events, items):
    price = items["price"].to_numpy().copy()
    price[::50] = 1e9
    return events, with_column(items, "price", price)


def numbered(events, items):
    order = np.argsort(events["timestamp"].to_numpy(), kind="stable")
    seen = {item: n for n, item in enumerate(dict.fromkeys(np.array(events["item_id"].to_pylist(), object)[order]))}
    new = [seen.setdefault(item, len(seen)) for item in events["item_id"].to_pylist()]
    catalogue = [seen.setdefault(item, len(seen)) for item in items["item_id"].to_pylist()]
    return with_column(events, "item_id", new), with_column(items, "item_id", catalogue)


def sold_later(events, items):
    times = events["timestamp"].to_numpy()
    bought = np.array(events["event"].to_pylist()) == "purchase"
    late = events.filter(pa.array(bought & (times >= np.quantile(times, 0.9))))
    sold = dict(zip(*np.unique(late["item_id"].to_pylist(), return_counts=True), strict=True))
    return events, items.append_column(
        "bestseller", pa.array([float(sold.get(i, 0)) for i in items["item_id"].to_pylist()])
    )


PLANTED = [
    (duplicates, "exact-duplicates"), (double_clicks, "near-duplicates"), (epoch, "epoch-times"), (future, "future-times"),
    (midnight, "midnight-times"), (days_only, "day-resolution"), (one_moment, "one-moment"), (returns, "negative-quantities"),
    (bot, "very-active-users"), (staff, "placeholder-users"), (guests, "rows-without-ids"), (prices, "price-outliers"),
    (no_titles, "items-without-title"), (same_titles, "repeated-titles"), (item_prices, "catalogue-price-outliers"),
    (numbered, "item-ids-by-time"), (sold_later, "split: future"),
]  # fmt: skip


def test_the_built_in_shop_raises_none(report_on, shop):
    assert names(report_on(shop.interactions, shop.items)) == set()


@pytest.mark.parametrize("plant", [bot, same_titles])
@pytest.mark.parametrize("share", [0.08, 0.2, 0.4])
def test_bots_and_repeated_titles_are_found_at_three_strengths(report_on, shop, plant, share):
    """A bot has this share of the shop's own events; titles are those of this share of the items."""
    report = report_on(*plant(plain(shop.interactions), plain(shop.items), share))
    assert names(report) == {"very-active-users" if plant is bot else "repeated-titles"}


def test_titles_that_name_kinds_of_goods_are_no_finding(report_on, shop):
    items = with_column(plain(shop.items), "title", [f"socks {n % 40}" for n in range(shop.items.num_rows)])
    assert "repeated-titles" not in names(report_on(shop.interactions, items))


@pytest.mark.parametrize(("plant", "name"), PLANTED, ids=[name for _, name in PLANTED])
def test_a_planted_defect_is_found(report_on, shop, plant, name):
    report = report_on(*plant(plain(shop.interactions), plain(shop.items)))
    assert name in names(report)
    fault = next(fault for fault in report.faults if fault.name == name)
    assert fault.effect
    assert fault.remedy


def test_an_example_names_user_item_time_file_and_row(report_on):
    report = report_on(
        {
            "user_id": ["a", "a", "b", "b"],
            "item_id": ["x", "x", "y", "z"],
            "timestamp": [1.7e12, 1.7e12, 1.7e12, 1.8e12],
        }
    )
    (example,) = next(fault for fault in report.faults if fault.name == "exact-duplicates").examples
    assert (example.user, example.item, example.time) == ("a", "x", "2023-11-14T22:13:20Z")
    assert example.place.endswith("events.parquet, row 2")
    assert str(example) == f"user a, item x, time 2023-11-14T22:13:20Z, {example.place}"
