"""Sessions, rare users and items, prices, test accounts and items under several ids: what was planted is found, little else."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from zoo.api import Catalogue, DataError

DAY, MINUTE = 86_400_000, 60_000


def nothing(shop):
    """Return no rows to plant."""
    return {name: column[:0] for name, column in shop.items()}


def starts(log, sessions):
    """Return where a session begins that is not the first of its user, `[N]`."""
    new = np.zeros(len(log), np.bool_)
    new[1:] = (np.diff(log.users) == 0) & (sessions[1:] != sessions[:-1])
    return new


@pytest.mark.parametrize("minutes", [10, 30, 120])
def test_sessions(shop, planted, clean, minutes):
    data = planted(shop, **nothing(shop))
    found = clean("sessions", data, minutes=minutes)
    assert not found.flags
    cut = starts(data.log, np.array(found.columns["session_id"].to_pylist()))
    truth = starts(data.log, data.log.column("visit").to_numpy())
    hits = np.count_nonzero(cut & truth)
    assert hits / truth.sum() >= 0.9
    assert hits / cut.sum() >= 0.9


def test_session_ids_name_the_user_and_the_number_of_the_visit(planted, clean):
    columns = {
        "user": np.array([0, 0, 0, 1]), "item": np.ones(4, np.int64), "event": np.zeros(4, np.int64),
        "time": np.array([0, 30, 61, 200]) * MINUTE,
    }  # fmt: skip
    data = planted(columns, **nothing(columns))
    found = clean("sessions", replace(data, user_ids=pa.array(["ann", "bob"])))
    assert found.columns["session_id"].to_pylist() == ["ann-1", "ann-1", "ann-2", "bob-1"]
    assert found.remarks == {"sessions": 3}


def test_sessions_of_a_log_that_has_them_or_has_no_times_are_refused(shop, planted, clean):
    data = planted({**shop, "session_id": shop["visit"]}, **nothing({**shop, "session_id": shop["visit"]}))
    with pytest.raises(DataError, match=r"a column `session_id` already. Leave the cleaner out"):
        clean("sessions", data)
    data = planted(shop, **nothing(shop))
    for clock, words in {"file-order": "the file", "position": "numbers of steps"}.items():
        with pytest.raises(DataError, match=f"no times of day: its order comes from {words}. Map the column"):
            clean("sessions", replace(data, log=replace(data.log, clock=clock)))


@pytest.fixture(scope="module")
def core(shop, planted, clean):
    """Return the shop without its own rare users and items."""
    data = planted(shop, **nothing(shop))
    rare = np.logical_or.reduce([flag.events for flag in clean("rare", data).flags])
    left = np.sort(data.log.rows[~rare])
    return {name: column[left] for name, column in shop.items()}


def rare_rows(core, kind, n):
    """Return the events of `n` rare users or items, two for each, with numbers after those of the shop."""
    rng, own = np.random.default_rng(4), {name: int(core[name].max()) + 1 + np.arange(n).repeat(2) for name in ("user", "item")}  # fmt: skip
    rows = rng.choice(len(core["user"]), 2 * n, replace=False)
    return {**{name: column[rows] for name, column in core.items()}, kind: own[kind]}


@pytest.mark.parametrize("n", [10, 100, 1000])
@pytest.mark.parametrize("kind", ["user", "item"])
def test_rare(core, planted, clean, quality, kind, n):
    data = planted(core, **rare_rows(core, kind, n))
    recall, precision = quality(clean("rare", data), data)
    assert recall >= 0.9
    assert precision >= 0.9


def test_rare_has_the_k_core(planted, clean):
    """User 0 and items 1 and 2 hold each other; user 1 becomes rare when the rare item 3 is gone."""
    columns = {
        "user": np.array([0, 0, 0, 0, 1, 1]), "item": np.array([1, 1, 2, 2, 1, 3]), "time": np.arange(6),
        "event": np.zeros(6, np.int64),
    }  # fmt: skip
    data = planted(columns, **nothing(columns))
    found = clean("rare", data, user=2, item=2)
    assert [flag.events.tolist() for flag in found.flags] == [[False] * 4 + [True] * 2, [False] * 5 + [True]]
    assert found.remarks == {"rare users": 1, "rare items": 1}


def test_new_users_and_items_are_not_rare(planted, clean):
    columns = {
        "user": np.array([0, 0, 0, 1, 2]), "item": np.array([1, 1, 2, 1, 1]), "time": np.array([0, 1, 9, 9, 2]),
        "event": np.zeros(5, np.int64),
    }  # fmt: skip
    data = replace(planted(columns, **nothing(columns)), cut=5)
    users, items = (flag.events.tolist() for flag in clean("rare", data, user=2, item=2).flags)
    assert users == [False, False, False, False, True]
    assert items == [False] * 5


@pytest.mark.parametrize("n", [10, 100, 1000])
@pytest.mark.parametrize("factor", [0.01, 10, 100])
def test_price_outliers(shop, planted, clean, quality, n, factor):
    rows = np.random.default_rng(6).choice(len(shop["user"]), n, replace=False)
    more = {name: column[rows] for name, column in shop.items()}
    data = planted(shop, **{**more, "price": more["price"] * factor})
    recall, precision = quality(clean("price-outliers", data), data)
    assert recall >= 0.9
    assert precision >= 0.9


@pytest.mark.parametrize("n", [2, 20, 60])
def test_prices_of_rare_items_are_compared_with_their_category(shop, goods, planted, clean, quality, n):
    first = len(goods)
    items = first + np.arange(n)
    like = np.random.default_rng(2).choice(np.arange(1, first), n)
    price = goods.column("price").to_numpy()[like] * 1000
    data = planted(shop, user=np.zeros(n, np.int64), item=items, time=shop["time"][:n], price=price)
    rows = np.concatenate([np.arange(first), like])
    catalogue = Catalogue(pa.array([None, *map(str, range(1, first + n))]), goods.table.take(pa.array(rows)))
    data = replace(data, catalogue=catalogue)
    recall, precision = quality(clean("price-outliers", data), data)
    assert recall >= 0.9
    assert precision >= 0.9
    bare = replace(data, catalogue=catalogue.select(["brand"]))
    assert quality(clean("price-outliers", bare), data)[0] == 0


def test_prices_that_say_nothing_are_no_outliers(planted, clean):
    price = np.array([2.0, 2, 2, 2, 2, 2, 0, -5, np.nan, 9])
    columns = {
        "user": np.zeros(10, np.int64), "item": np.ones(10, np.int64), "time": np.arange(10),
        "event": np.zeros(10, np.int64), "price": price,
    }  # fmt: skip
    found = clean("price-outliers", planted(columns, **nothing(columns)))
    assert found.flags[0].events.tolist() == [False] * 9 + [True]
    assert not found.flags[1].events.any()
    assert found.remarks == {"prices of zero or below": 2}


def test_price_outliers_without_a_price_say_what_to_do(shop, planted, clean):
    data = planted(shop, **nothing(shop))
    bare = replace(data, log=replace(data.log, source=data.log.source.drop_columns(["price"])))
    with pytest.raises(DataError, match=r"reads the column `price` of the events.* data\.columns = \{ price"):
        clean("price-outliers", bare)
    words = replace(data, log=replace(data.log, source=pa.table({"price": ["1 EUR"] * len(data.log)})))
    with pytest.raises(DataError, match="the column `price` is string, expected numbers"):
        clean("price-outliers", words)


NAMES = [
    "test", "test1", "TestUser", "qa.test@shop.example", "admin", "administrator_2", "dummy-7", "demo account 3", "STAFF:9",
]  # fmt: skip
PEOPLE = ["protester", "attestor", "latest", "demosthenes", "roots", "a1f3", "contest-9", "badminton", "internally", ""]


@pytest.mark.parametrize("n", [1, 5, 20])
def test_accounts_by_their_id(shop, planted, clean, quality, n):
    first = int(shop["user"].max()) + 1
    rows = np.random.default_rng(1).choice(len(shop["user"]), 12 * n)
    data = planted(
        shop, **{**{name: column[rows] for name, column in shop.items()}, "user": first + np.arange(n).repeat(12)}
    )
    ids = [PEOPLE[user % len(PEOPLE)] for user in range(first)] + [NAMES[k % len(NAMES)] for k in range(n)]
    data = replace(data, user_ids=pa.array(ids))
    found = clean("test-accounts", data)
    assert quality(found, data) == (1.0, 1.0)
    assert found.remarks == {"accounts by their id": n, "accounts by their volume": 0}


@pytest.mark.parametrize("n", [1, 5, 10])
def test_staff_by_volume(shop, planted, clean, quality, n):
    rng, first = np.random.default_rng(1), int(shop["user"].max()) + 1
    rows = rng.integers(0, len(shop["user"]), 8000 * n)
    data = planted(shop, **{**{name: column[rows] for name, column in shop.items()}, "user": first + np.arange(n).repeat(8000)})  # fmt: skip
    recall, precision = quality(clean("test-accounts", data), data)
    assert recall >= 0.9
    assert precision >= 0.9
    early = replace(data, cut=int(data.log.times.min()))
    assert not any(flag.events.any() for flag in clean("test-accounts", early).flags)


def test_patterns_of_ones_own(shop, planted, clean):
    data = planted(shop, **nothing(shop))
    (named, _) = clean("test-accounts", data, patterns=["^7$", "^12$"]).flags
    assert set(np.unique(data.log.users[named.events])) == {7, 12}
    with pytest.raises(DataError, match=r"patterns has '\(', which is no regular expression .* RE2"):
        clean("test-accounts", data, patterns=["("])


SPELLINGS = [str.upper, str.swapcase, "  {} ".format, "{}.".format, lambda t: t.replace(" ", "  "), lambda t: t.replace(",", " -")]  # fmt: skip


@pytest.mark.parametrize("n", [3, 30, 150])
def test_merged_items(shop, goods, planted, clean, n):
    first = len(goods)
    like = np.random.default_rng(2).choice(np.arange(1, first), n, replace=False)
    table = goods.table.take(pa.array(np.concatenate([np.arange(first), like])))
    titles = table["title"].to_pylist()
    for at in range(first, first + n):
        titles[at] = SPELLINGS[at % len(SPELLINGS)](titles[at])
    table = table.set_column(table.column_names.index("title"), "title", pa.array(titles))
    data = planted(shop, **nothing(shop))
    data = replace(data, catalogue=Catalogue(pa.array([None, *map(str, range(1, first + n))]), table))
    found = clean("merge-items", data)
    truth = np.concatenate([np.arange(first), like])
    found_pairs = found.items != np.arange(first + n)
    assert np.count_nonzero(found_pairs & (found.items == truth)) / n >= 0.9
    assert np.count_nonzero(found_pairs & (found.items == truth)) / np.count_nonzero(found_pairs) >= 0.9
    assert not found.flags


def test_items_without_a_title_and_with_other_columns_stay_apart(shop, planted, clean):
    titles = [None, "Straße 1.5 l", "STRASSE, 1.5 L", "Strasse 15 l", None, None, "?", "!", "C", "C+"]
    brands = [None, "a", "b", "a", "a", "a", "a", "a", "a", "a"]
    catalogue = Catalogue(pa.array([None, *"abcdefghi"]), pa.table({"title": titles, "brand": brands}))
    data = replace(planted(shop, **nothing(shop)), catalogue=catalogue)
    assert clean("merge-items", data).items.tolist() == [0, 1, 1, 3, 4, 5, 6, 7, 8, 9]
    assert clean("merge-items", data, same=["brand"]).items is None


def test_a_catalogue_without_titles_says_what_to_do(shop, planted, clean):
    with pytest.raises(DataError, match=r"the catalogue has no column 'title'.* Its columns: none; give the `source`"):
        clean("merge-items", planted(shop, **nothing(shop)))


@pytest.mark.parametrize("name", ["sessions", "rare", "price-outliers", "test-accounts", "merge-items"])
def test_the_shop_itself_is_clean(core, goods, planted, clean, name):
    data = replace(planted(core, **nothing(core)), catalogue=goods)
    found = clean(name, data)
    assert sum(int(flag.events.sum()) for flag in found.flags) <= 0.001 * len(data.log)
    assert found.items is None
