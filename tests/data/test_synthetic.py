"""The built-in shop: what it promises of its tables, and that it has what the models of the zoo are there to find."""

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from zoo.config.experiment import DataSettings
from zoo.data.dataset_params import SyntheticShopParams
from zoo.data.log import read_data
from zoo.data.synthetic import SyntheticShop
from zoo.data.synthetic_catalogue import DAY, OPENING
from zoo.data.synthetic_words import BRAND_ENDS, BRAND_STARTS, CATEGORIES, STYLES

SEEDS = [0, 1, 2]
DISCOUNT = 1 / np.log2(np.arange(10) + 2)


class Shop:
    """The tables of a shop as arrays."""

    def __init__(self, **params):
        self.params = SyntheticShopParams(**params)
        self.tables = SyntheticShop(self.params).read()
        self.log = self.tables.interactions.combine_chunks()
        self.items = self.tables.items
        self.user, self.item, self.kind = (
            self.log[name].combine_chunks().indices.to_numpy() for name in ("user_id", "item_id", "event")
        )
        self.time, self.price, self.quantity, self.session = (
            self.log[name].to_numpy() for name in ("timestamp", "price", "quantity", "session_id")
        )
        self.bought = self.kind == 1
        self.shape = (self.params.customers, self.params.items)

    def matrix(self, chosen):
        """Return whether a customer had to do with a product in the events chosen, [U, I]."""
        pairs = sp.csr_matrix((np.ones(chosen.sum()), (self.user[chosen], self.item[chosen])), self.shape)
        pairs.sum_duplicates()
        pairs.data[:] = 1
        return pairs

    def split(self):
        """Return which events come before the last tenth, and which are purchases in it."""
        before = self.time < np.quantile(self.time, 0.9)
        return before, ~before & self.bought


@pytest.fixture(scope="module", params=SEEDS)
def shop(request):
    return Shop(seed=request.param)


@pytest.fixture(scope="module")
def small():
    return Shop(customers=300, items=200, events=12_000)


def lowest(values):
    """Return the lower end of the 99 % bootstrap interval of a mean."""
    draws = np.random.default_rng(0).integers(0, len(values), (2000, len(values)))
    return np.quantile(values[draws].mean(axis=1), 0.005)


def ndcg(scores, wanted):
    """Return the NDCG at 10 of each row."""
    hits = np.take_along_axis(wanted, np.argsort(-scores, axis=1, kind="stable")[:, :10], axis=1)
    ideal = np.cumsum(DISCOUNT)[np.minimum(wanted.sum(axis=1), 10) - 1]
    return (hits * DISCOUNT).sum(axis=1) / ideal


# The tables


def test_columns_are_those_of_a_shop(small):
    text, coded = pa.string(), lambda index: pa.dictionary(index, pa.string())
    assert dict(zip(small.log.schema.names, small.log.schema.types, strict=True)) == {
        "user_id": coded(pa.int32()),
        "item_id": coded(pa.int32()),
        "timestamp": pa.int64(),
        "event": coded(pa.int8()),
        "price": pa.float64(),
        "quantity": pa.int64(),
        "session_id": pa.int64(),
    }
    assert dict(zip(small.items.schema.names, small.items.schema.types, strict=True)) == {
        "item_id": text, "title": text, "description": text, "category": text, "brand": text, "price": pa.float64(),
        "available_from": pa.int64(), "available_until": pa.int64(),
    }  # fmt: skip
    first = small.log.slice(0, 1).to_pylist()[0]
    assert (first["user_id"], first["event"]) == ("c000000", "view")
    assert small.items["item_id"].to_pylist() == [f"p{i:05d}" for i in range(200)]


def test_no_value_is_null_but_the_end_of_a_sale_that_does_not_end(small):
    nulls = {name: small.items[name].null_count for name in small.items.column_names}
    assert all(column.null_count == 0 for column in small.log.columns)
    assert 0 < nulls.pop("available_until") < 200
    assert not any(nulls.values())


def test_the_same_seed_draws_the_same_shop_and_another_seed_another(small):
    again, other = (Shop(customers=300, items=200, events=12_000, seed=seed) for seed in (0, 1))
    assert again.tables.interactions.equals(small.tables.interactions)
    assert again.items.equals(small.items)
    for name in ("timestamp", "item_id", "price", "session_id"):
        assert other.log[name].to_pylist()[:1000] != small.log[name].to_pylist()[:1000]
    assert other.items["title"] != small.items["title"]


def test_a_draw_leaves_the_global_random_state_alone():
    np.random.seed(7)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    Shop(customers=10, items=30, events=100)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"seed": 5},
        {"events": 300_000},
        {"customers": 300, "items": 200, "events": 20_000, "categories": 6},
        {"customers": 100, "items": 3_000, "events": 50_000, "days": 1_000},
    ],
    ids=str,
)
def test_counts_are_near_the_parameters(params):
    shop = Shop(**params)
    assert len(shop.log) == pytest.approx(shop.params.events, rel=0.2)
    assert len(np.unique(shop.user)) == shop.params.customers
    assert shop.items.num_rows == shop.params.items
    assert len(set(shop.items["category"].to_pylist())) == shop.params.categories
    assert 0.1 < shop.bought.mean() < 0.25


@pytest.mark.parametrize(
    "params",
    [
        {"customers": 1, "items": 22, "events": 1, "categories": 1, "brands": 1},
        {"customers": 50, "items": 22, "events": 500, "days": 52, "brands": 288},
        {"customers": 50, "items": 40, "events": 2_000, "new_items": 1.0},
        {"customers": 2, "items": 40, "events": 60_000, "new_items": 0.0, "taste": 0.0},
    ],
    ids=str,
)
def test_extreme_parameters_make_a_shop_whose_rules_hold(params):
    shop = Shop(**params)
    rules_of_the_log_hold(shop)


def test_rules_of_the_log_hold(shop):
    rules_of_the_log_hold(shop)


def rules_of_the_log_hold(shop):
    """Assert what is true of every event of every shop."""
    assert shop.time.min() >= OPENING
    assert shop.time.max() < OPENING + shop.params.days * DAY
    since = shop.items["available_from"].to_numpy()
    until = shop.items["available_until"].fill_null(np.iinfo(np.int64).max).to_numpy()
    assert (since < until).all()
    assert (shop.time >= since[shop.item]).all(), "an event before its product's release"
    assert (shop.time < until[shop.item]).all(), "an event after its product's last day"
    listed = shop.items["price"].to_numpy()
    assert (listed > 0).all()
    paid = shop.price / listed[shop.item]
    assert np.all((np.abs(paid - 1) < 1e-9) | (np.abs(shop.price - 0.8 * listed[shop.item]) < 0.0051))
    assert (shop.quantity[shop.bought] >= 1).all()
    assert (shop.quantity[~shop.bought] == 0).all()
    same_user = np.diff(shop.user) == 0
    assert (np.diff(shop.user) >= 0).all(), "the log comes by customer"
    assert (np.diff(shop.time)[same_user] >= 0).all(), "then by time"


def test_a_session_is_one_sitting_of_one_customer(shop):
    order = np.lexsort((shop.time, shop.session))
    session, user, time = shop.session[order], shop.user[order], shop.time[order]
    same = np.diff(session) == 0
    assert np.array_equal(np.unique(session), np.arange(session.max() + 1))
    assert (np.diff(user)[same] == 0).all()
    assert (np.diff(time)[same] > 0).all()
    assert (np.diff(time)[same] <= 240_000).all()
    assert ((time - OPENING) // DAY)[1:][same].tolist() == ((time - OPENING) // DAY)[:-1][same].tolist()
    assert 2 < len(session) / (session.max() + 1) < 5
    # One intent: nearly all looks of a sitting are in one category; what goes with a purchase is the exception.
    category = np.unique(shop.items["category"].to_pylist(), return_inverse=True)[1][shop.item[order]]
    assert (np.diff(category)[same] == 0).mean() > 0.85


def test_texts_say_what_a_product_is(shop):
    brands = {start + end for start in BRAND_STARTS for end in BRAND_ENDS}
    assert len(brands) == len(BRAND_STARTS) * len(BRAND_ENDS) == 288
    words = {c.name: c for c in CATEGORIES}
    for row in shop.items.slice(0, 300).to_pylist():
        category = words[row["category"]]
        assert any(kind in row["title"] for kind in category.kinds)
        assert any(material in row["title"] for material in category.materials)
        assert f" by {row['brand']}, " in row["title"]
        assert row["brand"] in brands
        assert sum(row["description"].startswith(p) for style in STYLES for p in style.phrases) == 1


def test_complements_name_departments_that_exist():
    names = [c.name for c in CATEGORIES]
    assert len(set(names)) == len(names)
    assert {c.complement for c in CATEGORIES} <= set(names)


def test_the_data_layer_reads_the_shop(small):
    data = read_data(small.tables, DataSettings(source="synthetic-shop", event_weights={"view": 1, "purchase": 5}))
    assert len(data.log) == len(small.log)
    assert data.log.event_names[data.log.events[0]] == small.log["event"][0].as_py()
    title = dict(zip(small.items["item_id"].to_pylist(), small.items["title"].to_pylist(), strict=True))
    number = int(data.log.items[100])
    assert data.catalogue.column("title")[number].as_py() == title[data.catalogue.ids[number].as_py()]


# What it is like


def test_activity_and_popularity_are_skewed(shop):
    of_items = np.sort(np.bincount(shop.item, minlength=shop.shape[1]))[::-1]
    of_users = np.sort(np.bincount(shop.user))[::-1]
    assert 0.25 < of_items[: len(of_items) // 10].sum() / len(shop.item) < 0.7
    assert 0.25 < of_users[: len(of_users) // 10].sum() / len(shop.item) < 0.7


def test_consumables_are_bought_again_at_their_own_pace(shop):
    cycle = np.array([{c.name: c.cycle for c in CATEGORIES}[name] for name in shop.items["category"].to_pylist()])
    user, item, time = shop.user[shop.bought], shop.item[shop.bought], shop.time[shop.bought]
    order = np.lexsort((time, item, user))
    user, item, time = user[order], item[order], time[order]
    again = (np.diff(user) == 0) & (np.diff(item) == 0)
    used_up = cycle[item] > 0
    share = {kind: again[used_up[1:] == kind].mean() for kind in (True, False)}
    assert share[True] > 0.4
    assert share[True] > 4 * share[False]
    for days in (21, 45):
        pauses = np.diff(time)[again & (cycle[item[1:]] == days)] / DAY
        assert days * 0.5 < np.median(pauses) < days * 1.2


def test_new_products_come_all_the_time_and_some_only_in_the_last_tenth(shop):
    since = shop.items["available_from"].to_numpy() - OPENING
    span = shop.params.days * DAY
    assert 0.3 < (since > 0).mean() < 0.5
    assert (since > 0.9 * span).sum() >= 20
    before, test = shop.split()
    cold = np.setdiff1d(shop.item[test], shop.item[before])
    assert len(cold) >= 15


def test_demand_moves_with_the_season_and_with_fashion(shop):
    # Popularity of the last month predicts the next one's purchases better than popularity of all time.
    before, test = shop.split()
    recent = before & (shop.time > shop.time[before].max() - 30 * DAY)
    wanted = np.bincount(shop.item[test], minlength=shop.shape[1])
    shares = {}
    for name, chosen in {"recent": recent, "all": before}.items():
        shares[name] = wanted[np.argsort(-np.bincount(shop.item[chosen], minlength=shop.shape[1]))[:100]].sum()
    assert shares["recent"] > shares["all"]


# What models find in it


@pytest.mark.parametrize("exclude_seen", [False, True])
def test_neighbours_beat_popularity(shop, exclude_seen):
    before, test = shop.split()
    history, bought = shop.matrix(before), shop.matrix(before & shop.bought).toarray() > 0
    wanted = shop.matrix(test).toarray() > 0
    if exclude_seen:
        wanted &= ~bought
    asked = np.flatnonzero(wanted.any(axis=1))
    counts = np.asarray(history.sum(axis=0)).ravel()
    together = (history.T @ history).toarray()
    cosine = together / np.maximum(np.sqrt(np.outer(counts, counts)), 1)
    np.fill_diagonal(cosine, 0)
    popular = np.bincount(shop.item[before], minlength=shop.shape[1])
    scores = {"neighbours": (history @ cosine)[asked], "popular": np.tile(popular.astype(float), (len(asked), 1))}
    if exclude_seen:
        for score in scores.values():
            score[bought[asked]] = -np.inf
    value = {name: ndcg(score, wanted[asked]) for name, score in scores.items()}
    assert 0.01 < value["popular"].mean() < 0.08
    assert 1.3 < value["neighbours"].mean() / value["popular"].mean() < 5
    assert lowest(value["neighbours"] - value["popular"]) > 0


def test_what_was_seen_last_tells_what_is_next(shop):
    start = np.quantile(shop.time, 0.9)
    follows = np.diff(shop.user) == 0
    a, b, when = shop.item[:-1][follows], shop.item[1:][follows], shop.time[1:][follows]
    user, past = shop.user[1:][follows], when < start
    popular = np.argsort(-np.bincount(b[past], minlength=shop.shape[1]), kind="stable")[:10]
    graph = sp.csr_matrix((np.ones(past.sum()), (a[past], b[past])), (shop.shape[1],) * 2).toarray()
    likely = np.argsort(-graph, axis=1, kind="stable")[:, :10]
    gain = (likely[a[~past]] == b[~past, None]).any(axis=1) - np.isin(b[~past], popular).astype(float)
    users, row = np.unique(user[~past], return_inverse=True)
    assert lowest(np.bincount(row, gain) / np.bincount(row)) > 0.15
    assert len(users) > 500


def test_text_tells_which_new_product_a_customer_takes():
    from sklearn.feature_extraction import text

    shop = Shop(customers=4_000, items=3_000, events=200_000)
    before, test = shop.split()
    cold = np.setdiff1d(shop.item[test], shop.item[before])
    wanted = shop.matrix(test).toarray()[:, cold] > 0
    history = shop.matrix(before)
    asked = np.flatnonzero(wanted.any(axis=1) & (history.getnnz(axis=1) > 0))
    titles, descriptions = (shop.items[name].to_pylist() for name in ("title", "description"))
    words = text.TfidfVectorizer().fit_transform([f"{t} {d}" for t, d in zip(titles, descriptions, strict=True)])
    scores = (history[asked] @ (words @ words[cold].T)).toarray()
    best = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    found = np.take_along_axis(wanted[asked], best, axis=1).sum(axis=1) / wanted[asked].sum(axis=1)
    chance = 5 / len(cold)
    assert lowest(found) > chance
    assert found.mean() > 1.7 * chance


def test_taste_is_what_sets_customers_apart():
    # How much of a customer's purchases fall in the category most bought: all customers alike come for many.
    shares = {}
    for taste in (0.0, 1.0):
        shop = Shop(taste=taste, seed=3)
        category = np.unique(shop.items["category"].to_pylist(), return_inverse=True)[1]
        table = np.zeros((shop.shape[0], category.max() + 1))
        np.add.at(table, (shop.user[shop.bought], category[shop.item[shop.bought]]), 1)
        table = table[table.sum(axis=1) >= 5]
        shares[taste] = (table.max(axis=1) / table.sum(axis=1)).mean()
    assert shares[1.0] > shares[0.0] + 0.05
