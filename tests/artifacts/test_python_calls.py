"""Calls in Python: tables, rules of a call, sessions of item ids, similar items, changed item columns."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.artifacts.saving import load_artifact
from zoo.errors import ArtifactError, DataError, ResourceError, ScoreError
from zoo.registry.registry import default_registry
from zoo.stages.predictor import Predictor

IN_STOCK, BRANDS = "in_stock", ["amber", "blue", "coral"]


def shop_tables(n_items=30):
    """Return events of 40 users and a catalogue with stock, price and brand."""
    rng = np.random.default_rng(3)
    events = {
        "user_id": [f"u{i}" for i in rng.integers(0, 40, 600)],
        "item_id": [f"i{i}" for i in np.append(np.minimum(rng.geometric(0.1, 570) - 1, n_items - 1), np.arange(30))],
        "timestamp": 1_700_000_000_000 + rng.permutation(600) * 60_000,
    }
    items = {
        "item_id": [f"i{i}" for i in range(n_items)],
        "title": [f"{BRANDS[i % 3]} thing {i % 7}" for i in range(n_items)],
        "brand": [BRANDS[i % 3] for i in range(n_items)],
        "tags": [[f"t{i % 4}", f"t{i % 5}"] for i in range(n_items)],
        "price": [float(i) for i in range(n_items)],
        IN_STOCK: [i % 4 > 0 for i in range(n_items)],
        "description": ["word " * 50] * n_items,
    }
    return events, items


@pytest.fixture(scope="module")
def log():
    return zoo.read_log(*shop_tables())


@pytest.fixture(scope="module")
def ease(log):
    return zoo.fit("ease", log)


@pytest.fixture(scope="module")
def filtered(log):
    model = {
        "predictor": "content-knn",
        "featurizer": {"name": "tf-idf", "columns": ["title"]},
        "filters": [
            "available",
            {"name": "price-band", "max": 20.0},
            {"name": "category", "column": "brand", "deny": ["coral"]},
        ],
    }
    return zoo.fit(model, log)


# ---- the table


def test_the_table_holds_the_items_of_the_sequence(ease):
    found = ease.recommend(["u1", "u2", "nobody"], k=4)
    table = found.to_arrow()
    assert table.column_names == ["user_id", "rank", "item_id", "title", "score", "fallback"]
    rows = (
        [("u1", *item) for item in found[0]] + [("u2", *item) for item in found[1]] + [("nobody", *i) for i in found[2]]
    )
    assert rows == [(r["user_id"], r["item_id"], r["score"], r["title"], r["fallback"]) for r in table.to_pylist()]
    assert table["rank"].to_pylist() == [1, 2, 3, 4] * 3
    assert table["score"].to_pylist()[8:] == [None] * 4
    assert pa.table(found).equals(table)
    pd.testing.assert_frame_equal(found.to_pandas(), table.to_pandas())


def test_histories_without_users_are_counted_from_0(ease):
    table = ease.recommend(history=[["i1"], [], ["i2", "i3"]], k=2).to_arrow()
    assert table["query"].to_pylist() == [0, 0, 1, 1, 2, 2]
    assert "query" not in ease.recommend(history=["i1"], k=2).to_arrow().column_names


def test_the_table_becomes_a_polars_frame(ease):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    found = ease.recommend(history=["i1"], k=3)
    assert found.to_polars().rows() == polars.from_arrow(found.to_arrow()).rows()


def test_the_table_shows_itself(ease):
    found = ease.recommend(history=["i1", "i2"], k=2)
    head, first, _ = repr(found).splitlines()
    assert head.split() == ["rank", "item_id", "title", "score", "fallback"]
    assert first.split()[:2] == ["1", found[0].item_id]
    assert f"<td>{found[1].item_id}</td>" in found._repr_html_()
    many = ease.recommend(ease.user_ids.to_pylist(), k=10)
    assert repr(many).endswith(f"... {len(many.to_arrow()) - 20:,} more rows")


def test_a_frame_of_a_library_that_is_not_installed_is_refused(ease, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ResourceError, match="and polars is not installed: pip install polars"):
        ease.recommend(history=[]).to_polars()


# ---- sessions of item ids


@pytest.mark.filterwarnings("ignore:history. ")
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_session_is_answered_as_a_row_of_a_table_is(ease, filtered, data):
    artifact = data.draw(st.sampled_from([ease, filtered]))
    ids = st.sampled_from([f"i{i}" for i in range(33)])  # three of them are unknown
    histories = data.draw(st.lists(st.lists(ids, max_size=6), min_size=1, max_size=3))
    now = data.draw(st.sampled_from([None, 1_700_000_100_000, "2026-01-01"]))
    found = artifact.recommend(history=histories, k=5, now=now)
    table = {"history": pa.array(histories, pa.list_(pa.string()))}
    expected = artifact.to_items(artifact.lists(pa.table(table), 5, now=now))
    assert found == expected


def test_an_empty_entry_of_a_history_is_refused(ease):
    with pytest.raises(
        DataError, match=r"history has the entry None, expected an id: a text or a whole number\. Leave it out\."
    ):
        ease.recommend(history=[["i1", None]])


def test_ids_that_are_numbers_are_read_as_text():
    events = {"user_id": [1, 1, 2, 2], "item_id": [7, 8, 7, 9], "timestamp": [10**9 + i for i in range(4)]}
    shop = zoo.fit("item-knn", zoo.read_log(events))
    assert (
        shop.recommend(history=[7], k=2)
        == shop.recommend(history=["7"], k=2)
        == shop.recommend(history=[np.int64(7)], k=2)
        == shop.recommend(history=pd.Series([7]), k=2)
    )
    assert shop.similar(np.int64(7), k=1) == shop.similar("7", k=1)
    assert shop.recommend(np.int64(1), k=2) == shop.recommend("1", k=2)
    assert shop.recommend(history=[7], k=2, exclude=pd.Series([8])) == shop.recommend(history=[7], k=2, exclude=["8"])


def test_whole_floats_are_ids_as_in_a_frame_with_a_missing_value():
    events = {"user_id": [1, 1, 2, 2], "item_id": [7, 8, 7, 9], "timestamp": [10**9 + i for i in range(4)]}
    shop = zoo.fit("item-knn", zoo.read_log(events))
    assert shop.recommend(history=[7.0], k=2) == shop.recommend(history=["7"], k=2)
    assert shop.recommend(1.0, k=2) == shop.recommend([1.0], k=2)[0] == shop.recommend("1", k=2)
    assert shop.similar(7.0, k=1) == shop.similar("7", k=1)
    assert shop.recommend(history=[7], k=2, exclude=[8.0]) == shop.recommend(history=[7], k=2, exclude=["8"])
    for call, argument in (({"users": [1, float("nan")]}, "users"), ({"history": [7], "exclude": [0.5]}, "exclude")):
        with pytest.raises(DataError, match=f"{argument} has the entry .*, expected an id: a text or a whole number"):
            shop.recommend(**call, k=2)


def test_an_unknown_item_in_exclude_is_named(ease):
    with pytest.warns(
        UserWarning, match=r"exclude: 1 of 2 ids are not items of the artifact, such as 'zzz', so nothing is"
    ):
        assert ease.recommend(history=["i1"], exclude=["i2", "zzz"]) == ease.recommend(history=["i1"], exclude=["i2"])


def test_unknown_items_of_a_history_are_named_once_per_call(ease):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        assert ease.recommend(history=["i1", "zzz"]) == ease.recommend(history=["i1"])
        assert ease.recommend("u1", history=["i1", "zzz"]) == ease.recommend("u1", history=["i1"])
        assert ease.recommend(history=["a", 7, "c", "d"]) == ease.recommend(history=[])
        assert len(ease.recommend(history=[["i1"], ["a", "b"], []])) == 3
        ease.recommend(history=["i1"], exclude=["zzz"])
    one = "history: 1 of 2 ids are not items of the artifact, such as 'zzz', so they are ignored. Correct them, or leave them out."
    assert [str(warning.message) for warning in found] == [
        one,
        one,
        "history: 4 of 4 ids are not items of the artifact, such as 'a', '7', 'c', ..., so they are ignored, and the query is "
        "answered as without a history. Correct them, or leave them out.",
        "history: 2 of 3 ids are not items of the artifact, such as 'a', 'b', so they are ignored, and 1 of 3 queries are "
        "answered as without a history. Correct them, or leave them out.",
        "exclude: 1 of 1 ids are not items of the artifact, such as 'zzz', so nothing is excluded for them. Correct them, or leave "
        "them out.",
    ]
    assert {warning.filename for warning in found} == {__file__}


# ---- the rules of a call


def allowed(exclude, where):
    """Return the items that the rules of a call allow, item by item."""
    _, items = shop_tables()
    found = set()
    for at, item in enumerate(items["item_id"]):
        ok = item not in exclude
        for column, value in where.items():
            wanted = value if isinstance(value, list) else [value]
            own = items[column][at]
            ok &= bool({own} & set(wanted)) if not isinstance(own, list) else bool(set(own) & set(wanted))
        if ok:
            found.add(item)
    return found


@pytest.mark.filterwarnings("ignore:(exclude|history). ")
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_rules_of_a_call_are_respected(ease, data):
    """300 draws of 34 sessions each."""
    ids = [f"i{i}" for i in range(33)]
    exclude = data.draw(st.lists(st.sampled_from(ids), max_size=20))
    where = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                IN_STOCK: st.booleans(),
                "brand": st.one_of(st.sampled_from(BRANDS), st.lists(st.sampled_from(BRANDS), min_size=1, max_size=2)),
                "tags": st.sampled_from(["t0", "t3"]),
            },
        )
    )
    histories = data.draw(st.lists(st.lists(st.sampled_from(ids), max_size=5), min_size=34, max_size=34))
    k = data.draw(st.integers(1, 40))
    expected = allowed(exclude, where)
    for history, found in zip(
        histories, ease.recommend(history=histories, k=k, exclude=exclude, where=where), strict=True
    ):
        items = [item.item_id for item in found]
        assert set(items) <= expected - set(history)
        assert len(items) == len(set(items)) == min(k, len(expected - set(history)))


@pytest.mark.filterwarnings("ignore:(exclude|history). ")
@pytest.mark.robust
def test_ten_thousand_sessions_keep_the_rules_of_their_calls(ease):
    """One call for each session, unlike the property above, which answers many sessions in a call."""
    rng = np.random.default_rng(0)
    ids = [f"i{i}" for i in range(33)]
    for _ in range(10_000):
        history, exclude = (list(rng.choice(ids, rng.integers(0, most))) for most in (6, 12))
        where = [{}, {IN_STOCK: True}, {"brand": str(rng.choice(BRANDS))}][rng.integers(3)]
        k, expected = int(rng.integers(1, 20)), allowed(exclude, where)
        items = [item.item_id for item in ease.recommend(history=history, k=k, exclude=exclude, where=where)]
        assert set(items) <= expected - set(history)
        assert len(items) == len(set(items)) == min(k, len(expected - set(history)))


def test_rules_of_a_call_go_with_users_filters_and_similar_items(ease, filtered):
    users = ease.user_ids.to_pylist()
    for artifact in (ease, filtered):
        for found in artifact.recommend(users, k=30, exclude=["i5"], where={"brand": "blue"}):
            assert {item.item_id for item in found} <= allowed(["i5"], {"brand": "blue"})
        (near,) = artifact.similar(["i1"], k=30, exclude=["i5"], where={"brand": "blue"})
        assert {item.item_id for item in near} <= allowed(["i5", "i1"], {"brand": "blue"})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            {"where": {"brnd": "blue"}},
            r"where: the artifact has no item column 'brnd'\. Did you mean 'brand'\? Its columns: title, brand",
        ),
        (
            {"where": {"brand": "blu"}},
            r"where: no item has brand = 'blu'\. Most frequent values: .*'blue' \(10 items\)",
        ),
        ({"where": "brand=blue"}, r"where is 'brand=blue', expected a dictionary of columns and values"),
        ({"where": {"brand": None}}, "where: brand is None, expected a value or a list of values"),
        (
            {"where": {"description": "x"}},
            "no item column 'description'.*texts of more than 100 characters are not kept",
        ),
        ({"exclude": "i1"}, r"exclude is 'i1', expected a list of item ids: write \['i1'\]"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(ease, call, said):
    with pytest.raises(DataError, match=said):
        ease.recommend(history=["i1"], **call)


# ---- similar items


def cosines(vectors):
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit @ unit.T


@pytest.mark.parametrize("name", ["ease", "als", "item-knn", "item-item-mf", "transition-graph", "sasrec", "bpr-mf"])
def test_similar_items_are_those_of_the_model(log, name):
    small = {"sasrec": {"dim": 8}, "bpr-mf": {"dim": 8}, "als": {"factors": 8}, "item-item-mf": {"factors": 8}}
    train = {"max_epochs": 1} if name in ("sasrec", "bpr-mf") else None
    shop = zoo.fit({"predictor": {"name": name, **small.get(name, {})}}, log, train=train)
    model, ids = shop.pipeline.predictor, shop.catalogue.ids.to_pylist()
    n = len(ids)
    if name == "ease":
        scores = np.full((n, n), -np.inf)
        known = model.known.numpy()
        scores[np.ix_(known, known)] = model.weights.numpy()
    elif name == "item-knn":
        scores = np.full((n, n), -np.inf)
        for item in range(n):
            for near, value in zip(model.neighbours[item].tolist(), model.similarities[item].tolist(), strict=True):
                if near:
                    scores[item, near] = value
    elif name == "transition-graph":
        scores = model.graph.to_dense().numpy().copy()
        scores[scores <= 0] = -np.inf
    else:
        vectors = {"als": "items", "item-item-mf": "right"}
        scores = cosines(
            (getattr(model, vectors[name]) if name in vectors else model.network.items.vectors().detach()).numpy()
        )
    np.fill_diagonal(scores, -np.inf)
    scores[:, 0] = -np.inf
    for item in (1, 5, 20):
        found = shop.similar(ids[item], k=5)
        expected = sorted(
            (number for number in range(n) if scores[item, number] > -np.inf), key=lambda i: -scores[item, i]
        )[:5]
        assert [ids.index(row.item_id) for row in found] == expected or np.allclose(
            [row.score for row in found], scores[item][expected], atol=1e-5
        )
        assert all(row.score is not None and not row.fallback for row in found)
    many = shop.similar(ids[1:4], k=2)
    assert [[row.item_id for row in found] for found in many] == [
        [row.item_id for row in shop.similar(item, k=2)] for item in ids[1:4]
    ]
    assert many.to_arrow()["similar_to"].to_pylist()[0] == ids[1]


def test_content_is_compared_by_features(filtered):
    _, items = shop_tables()
    for item in ("i1", "i15"):
        found = filtered.similar(item, k=3)
        title = items["title"][int(item[1:])].split()
        best = items["title"][int(found[0].item_id[1:])].split()
        assert set(title) & set(best) - {"thing"}
        assert {row.item_id for row in found} <= allowed([item], {IN_STOCK: True, "brand": ["amber", "blue"]})


@pytest.mark.parametrize("name", ["popular", "personal-popular", "random"])
def test_a_predictor_that_compares_nothing_says_so(log, name):
    with pytest.raises(
        ArtifactError, match=f"{name} does not compare items, so it cannot say which are similar. Fit a model that does"
    ):
        zoo.fit(name, log).similar(["i1"])


def test_all_installed_predictors_but_these_compare_items():
    components = default_registry().components("predictor")
    silent = {c.name for c in components if c.target().compare_items is Predictor.compare_items}
    assert silent == {"popular", "personal-popular", "random"}


def test_an_unknown_item_has_no_similar_ones(ease):
    with pytest.raises(DataError, match=r"'i99' is not an item of the artifact\. Did you mean 'i9'\? It has 30 items"):
        ease.similar(["i99"])


def test_every_predictor_that_overrides_it_compares_all_items(log):
    """An outside predictor's scores are checked before they are ranked."""
    shop = zoo.fit("als", log)
    shop.pipeline.predictor.items = shop.pipeline.predictor.items[:5]
    with pytest.raises(
        ScoreError,
        match=r"predictor 'als' of shopzoo-mf .*: `compare_items` returned the shape \(1, 5\), expected \(1, 31\)",
    ):
        shop.similar("i1" if shop.item_numbers["i1"] < 5 else shop.catalogue.ids[1].as_py())


# ---- changed item columns


def test_stock_and_price_change_the_next_list_and_nothing_else(filtered):
    before = {item.item_id for item in filtered.recommend(history=["i1"], k=30)}
    sold_out, cheap = sorted(before)[0], "i25"
    new = filtered.update_items(
        pd.DataFrame({"sku": [sold_out, cheap], IN_STOCK: [False, True], "price": [1, 2]}), item_id="sku"
    )
    after = {item.item_id for item in new.recommend(history=["i1"], k=30)}
    assert after == before - {sold_out} | {cheap}
    assert {item.item_id for item in filtered.recommend(history=["i1"], k=30)} == before
    assert new.catalogue.column("price").to_pylist()[new.item_numbers[cheap]] == 2.0
    refitted = {i: s for i, s, _, _ in new.recommend(history=["i1"], k=30)}
    assert all(
        item.score == refitted[item.item_id]
        for item in filtered.recommend(history=["i1"], k=30)
        if item.item_id in after
    )


def test_the_filters_read_what_a_new_fit_would_read(log):
    events, items = shop_tables()
    prices = {"item_id": items["item_id"], "price": items["price"][::-1], "brand": [BRANDS[i // 10] for i in range(30)]}
    model = {
        "predictor": "item-knn",
        "filters": [
            {"name": "price-band", "quantiles": [0.1, 0.9]},
            {"name": "category", "column": "brand", "like_last": 2},
        ],
    }
    updated = zoo.fit(model, log).update_items(prices)
    fitted = zoo.fit(model, zoo.read_log(events, {**items, **prices}))
    users = fitted.user_ids.to_pylist()
    assert updated.recommend(users, k=8) == fitted.recommend(users, k=8)


def test_a_condition_of_the_evaluation_reads_the_new_values(log):
    shop = zoo.fit("item-knn", log, evaluate={"eligible": {IN_STOCK: True}})
    assert {item.item_id for item in shop.recommend(history=[], k=40)} == allowed([], {IN_STOCK: True})
    swapped = {"item_id": [f"i{i}" for i in range(30)], IN_STOCK: [i % 4 == 0 for i in range(30)]}
    found = {item.item_id for item in shop.update_items(swapped).recommend(history=[], k=40)}
    assert found == allowed([], {IN_STOCK: False})
    nothing = shop.update_items({"item_id": [f"i{i}" for i in range(30)], IN_STOCK: [False] * 30})
    assert len(nothing.recommend(history=[], k=5)) == 0


def test_a_column_may_be_new_to_the_artifact():
    events, _ = shop_tables()
    shop = zoo.fit("ease", zoo.read_log(events))
    with pytest.raises(DataError, match=r"no item column 'in_stock'.*add it with update_items"):
        shop.recommend(history=["i1"], where={IN_STOCK: True})
    shop = shop.update_items({"item_id": ["i1", "i2"], IN_STOCK: [True, False]})
    assert [item.item_id for item in shop.recommend(history=["i5"], where={IN_STOCK: True})] == ["i1"]


def test_ranking_features_read_the_new_prices_of_a_ranker(log):
    model = {"predictor": "item-knn", "rankers": ["borda"]}
    shop = zoo.fit(model, log)
    new = shop.update_items({"item_id": ["i3"], "price": [99.0]})
    ranking = new.pipeline.candidate_features
    assert ranking.table[new.item_numbers["i3"], ranking.columns.index("price")].item() == pytest.approx(
        np.log1p(99.0), rel=1e-6
    )
    same = shop.pipeline.candidate_features.table
    assert torch.equal(ranking.table[new.item_numbers["i4"]], same[new.item_numbers["i4"]])


@pytest.mark.parametrize(
    ("table", "error", "said"),
    [
        ({"item_id": ["i1"], "title": ["x"]}, ArtifactError, "the column 'title' may not change without a new fit: tf-idf learned its features from it"),
        ({"item_id": ["i1"], "prices": [1.0]}, DataError, r"has no column 'prices'\. Did you mean 'price'\?"),
        ({"item_id": ["x1", "i1"], "price": [1.0, 1.0]}, DataError, r"row 0 \(counted from 0\): 'x1' is not an item of the artifact \(1 of 2 rows\)\. Add new items with with_items, or pass missing=\"ignore\""),
        ({"item_id": ["i1", "i1"], "price": [1.0, 2.0]}, DataError, "'i1' occurs already in .*row 0 .counted from 0., expected each item once"),
        ({"item_id": ["i1"], "price": ["cheap"]}, DataError, "price is 'cheap', expected a number"),
        ({"item_id": ["i1"], IN_STOCK: ["maybe"]}, DataError, "the column 'in_stock' is string, and the artifact has bool"),
        ({"item_id": ["i1"]}, DataError, "no column besides 'item_id', expected new values"),
        ({"sku": ["i1"], "price": [1.0]}, DataError, r"no column 'item_id'\..* Name the column that holds the items: item_id=\.\.\."),
        ({"item_id": ["i1"], "spec": [{"a": 1}]}, DataError, "the column 'spec' is struct<a: int64>, expected numbers, Booleans"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_made_is_refused(filtered, table, error, said):
    with pytest.raises(error, match=said):
        filtered.update_items(table)


def test_rows_of_unknown_items_may_be_ignored(ease):
    new = ease.update_items({"item_id": ["x1", "i1"], "price": [1.0, 5.5]}, missing="ignore")
    assert new.catalogue.column("price")[new.item_numbers["i1"]].as_py() == 5.5


# ---- saved


def test_a_saved_artifact_has_the_columns_and_gives_the_same_lists(filtered, tmp_path):
    assert filtered.save(tmp_path / "shop") == tmp_path / "shop"
    loaded = load_artifact(tmp_path / "shop")
    assert "description" not in loaded.catalogue.columns
    assert loaded.catalogue.table.equals(filtered.catalogue.table)
    for where in ({"brand": "blue"}, {"tags": "t3"}, {IN_STOCK: False}):
        assert loaded.recommend(history=["i1"], where=where) == filtered.recommend(history=["i1"], where=where)
    again = loaded.update_items({"item_id": ["i2"], IN_STOCK: [True], "price": [3.0]})
    again.save(tmp_path / "shop")
    assert load_artifact(tmp_path / "shop").recommend(history=[], k=30) == again.recommend(history=[], k=30)
