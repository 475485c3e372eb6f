"""Check 5: columns that know the test part, against placebos and columns that only know the training part."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import mannwhitneyu

from zoo.config.load import experiment_from
from zoo.data.checks import future
from zoo.data.checks.all_checks import check_task
from zoo.data.checks.association import associate, stratify

DAY, ITEMS = 86_400_000, 200
CUTS = {"policy": "temporal", "cuts": [0.7, 0.8]}


@pytest.fixture(scope="module")
def shop():
    """Return events over a year, and for each item its release and the events before, after and of each kind."""
    rng = np.random.default_rng(0)
    weight, release = rng.lognormal(0, 0.6, ITEMS), np.sort(rng.integers(0, 300, ITEMS) * (rng.random(ITEMS) < 0.5))
    day = rng.integers(0, 365, 12_000)
    item = np.array([rng.choice(ITEMS, p=(w := weight * (release <= d)) / w.sum()) for d in day])
    times = (19_000 + day) * DAY + rng.integers(0, DAY, len(day))
    events = {"user_id": rng.integers(0, 400, len(day)), "item_id": item, "timestamp": times}
    cut = np.sort(times)[int(0.8 * len(times))]
    train, test = (np.bincount(item[part], minlength=ITEMS) for part in (times < cut, times >= cut))
    assert (train + test).all()
    first, last = (np.array([pick(times[item == i]) for i in range(ITEMS)]) for pick in (np.min, np.max))
    return events, {
        "train": train,
        "test": test,
        "first": first,
        "last": last,
        "release": (19_000 + release) * DAY,
        "cut": cut,
    }


def items_with(values, **others):
    return {"item_id": np.arange(ITEMS), "price": values, **others}


def columns_of(finding):
    return finding.found.split(": ", 1)[1]


LEAKS = {
    "sales in the test part": lambda s, rng: s["test"].astype(float),
    "their rank": lambda s, rng: -np.argsort(np.argsort(s["test"])),
    "with noise": lambda s, rng: s["test"] * rng.lognormal(0, 0.3, ITEMS),
    "sales of all time": lambda s, rng: s["train"] + s["test"],
    "the last sale": lambda s, rng: s["last"],
    "the last sale as a date": lambda s, rng: pa.array(s["last"], pa.timestamp("ms")),
    "as text": lambda s, rng: [str(v) for v in s["test"]],
    "the better half": lambda s, rng: s["test"] > np.median(s["test"]),
}
CLEAN = {
    "shuffled sales of the test part": lambda s, rng: rng.permutation(s["test"]),
    "sales before the test": lambda s, rng: s["train"],
    "noise": lambda s, rng: rng.random(ITEMS),
    "the release": lambda s, rng: s["release"],
    "the release as a date": lambda s, rng: pa.array(s["release"], pa.timestamp("ms")),
    "constant": lambda s, rng: np.ones(ITEMS),
    "missing": lambda s, rng: np.full(ITEMS, np.nan),
    "text": lambda s, rng: ["a b c"] * ITEMS,
    "ids": lambda s, rng: np.arange(ITEMS),
    "a shuffled flag": lambda s, rng: rng.permutation(s["test"] >= np.quantile(s["test"], 0.8)),
    "the bestsellers before the test": lambda s, rng: s["train"] >= np.quantile(s["train"], 0.8),
}


@pytest.mark.parametrize("column", LEAKS)
def test_a_column_of_the_future_is_found(found, shop, column):
    values = LEAKS[column](shop[1], np.random.default_rng(0))
    name = "price" if not isinstance(values, list) else "amount"
    finding = found(shop[0], {"item_id": np.arange(ITEMS), name: values}, split=CUTS)["future"]
    assert finding.number == 5
    assert f"'{name}' is " in finding.found
    assert ("larger" in finding.found) is (column != "their rank" and "last" not in column)


@pytest.mark.parametrize("column", CLEAN)
def test_a_column_that_does_not_know_the_test_is_silent(found, shop, column):
    values = CLEAN[column](shop[1], np.random.default_rng(0))
    name = "label" if column == "text" else "price"
    assert found(shop[0], {"item_id": np.arange(ITEMS), name: values}, split=CUTS) == {}


@pytest.mark.parametrize(("sold", "found_in"), [("test", "future"), ("train", None)])
def test_a_text_that_is_filled_after_a_sale_is_found(found, shop, sold, found_in):
    """A text of items that do not sell later, such as a note on their withdrawal, is none."""
    some = shop[1][sold] > np.median(shop[1][sold])
    notes = [f"reviewed {n % 3}" if s else None for n, s in enumerate(some)]
    findings = found(shop[0], {"item_id": np.arange(ITEMS), "note": notes}, split=CUTS)
    assert (next(iter(findings), None)) == found_in
    assert found_in is None or "'note' is filled more often for items with more test events" in findings["future"].found
    withdrawn = ["withdrawn" if not s else None for s in some]
    assert found(shop[0], {"item_id": np.arange(ITEMS), "note": withdrawn}, split=CUTS) == {}


def test_the_column_of_the_future_is_told_from_others(found, shop):
    test = shop[1]["test"]
    placebo = np.random.default_rng(0).permutation(test)
    finding = found(shop[0], items_with(test, placebo=placebo, before=shop[1]["train"]), split=CUTS)["future"]
    assert "'price' is larger" in finding.found
    assert "placebo" not in finding.found
    assert "before" not in finding.found


def test_leave_last_out_is_checked_too(found, shop):
    events, _ = shop
    order = np.lexsort((events["timestamp"], events["user_id"]))
    last = order[np.flatnonzero(np.diff(events["user_id"][order], append=-1))]
    test = np.bincount(events["item_id"][last], minlength=ITEMS)
    sections = {"split": {"policy": "leave-last-out"}, "evaluate": {"exclude_seen": False}}
    assert "future" in found(events, items_with(test), **sections)
    assert found(events, items_with(np.random.default_rng(0).permutation(test)), **sections) == {}


@pytest.mark.parametrize(("name", "values"), [
    ("first_seen", lambda s: s["first"] - 3 * DAY * (np.arange(ITEMS) % 2)),
    ("anything", lambda s: s["first"]),
    ("first_order", lambda s: [str(np.datetime64(int(t) // DAY, "D")) for t in s["first"]]),
])  # fmt: skip
def test_a_date_of_the_first_event_is_found_by_name_or_by_value(found, shop, name, values):
    events, s = shop
    moved = {
        **events,
        "timestamp": np.where(events["item_id"] % 10 == 0, s["cut"] + 1000 + events["user_id"], events["timestamp"]),
    }
    s = {**s, "first": np.where(np.arange(ITEMS) % 10 == 0, s["cut"] + 1000 + 3 * DAY, s["first"])}
    if name == "anything":
        s["first"] = np.array([moved["timestamp"][moved["item_id"] == i].min() for i in range(ITEMS)])
    finding = found(moved, {"item_id": np.arange(ITEMS), name: values(s)}, split=CUTS)["future"]
    assert "in the test part" in finding.found
    assert f"{name!r} is " in finding.found


def with_models(task_on, shop, models, columns):
    """Return the finding for an experiment with models."""
    raw = {
        "data": {"source": {"name": "files", "interactions": "x.parquet"}},
        "split": {**CUTS, "cuts": [0.6, 0.7, 0.8]},
        "model": models,
    }
    task = task_on(shop[0], columns, split={**CUTS, "cuts": [0.6, 0.7, 0.8]})
    found = {f.name: f for f in check_task(task, experiment_from(raw).models)}
    return found.get("future")


KNN = {"predictor": "item-knn"}


@pytest.mark.parametrize(("model", "column", "reads"), [
    (KNN, "price", False),
    ({**KNN, "rankers": ["lambdamart"]}, "price", True),
    ({**KNN, "rankers": ["lambdamart"]}, "weight", False),
    ({**KNN, "rankers": ["lambdamart"], "candidate_features": {"groups": ["score", "history"]}}, "price", False),
    ({"predictor": "content-knn", "featurizer": {"name": "tf-idf", "columns": ["title"]}}, "price", False),
    ({"predictor": "content-knn", "featurizer": {"name": "tabular", "columns": ["weight"]}}, "weight", True),
    ({"predictor": "content-knn", "featurizer": {"name": "tabular", "columns": ["weight"]}}, "price", False),
    ({"predictor": "content-knn", "featurizer": "tabular"}, "price", True),
])  # fmt: skip
def test_a_column_is_reported_only_if_a_model_may_read_it(task_on, shop, model, column, reads):
    columns = {"item_id": np.arange(ITEMS), "title": ["a"] * ITEMS, "price": np.ones(ITEMS), "weight": np.ones(ITEMS)}
    columns[column] = shop[1]["test"].astype(float)
    finding = with_models(task_on, shop, [{"label": "a", **model}, {"label": "b", "predictor": "popular"}], columns)
    assert (finding is not None) is reads
    if reads:
        assert finding.found.endswith("Models that may read them: a.")
        assert ('groups = ["score"' in finding.remedy) is ("rankers" in model)


def test_the_association_is_that_of_the_mann_whitney_statistic():
    rng = np.random.default_rng(0)
    values, test = rng.integers(0, 30, 80).astype(float), rng.integers(0, 9, 80)
    association = associate(values, test, np.zeros(80, np.int64))
    many = test > np.sort(test)[39]
    u = mannwhitneyu(values[many], values[~many]).statistic
    assert association.value == pytest.approx(2 * u / (many.sum() * (~many).sum()) - 1)


def test_gamma_leaves_out_pairs_with_equal_values():
    rng = np.random.default_rng(0)
    values, test, strata = rng.integers(0, 3, 90).astype(float), rng.integers(0, 9, 90), rng.integers(0, 3, 90)
    more = fewer = 0
    for own in (strata == s for s in range(3)):
        many = test > np.sort(test[own])[(own.sum() - 1) // 2]
        for value in values[own & many]:
            more, fewer = more + (value > values[own & ~many]).sum(), fewer + (value < values[own & ~many]).sum()
    assert associate(values, test, strata).gamma == pytest.approx((more - fewer) / (more + fewer))


@pytest.mark.parametrize("values", [1000, 2])
def test_the_error_of_the_association_is_its_spread_over_shuffled_columns(values):
    rng = np.random.default_rng(0)
    test, strata = rng.poisson(3, 600), rng.integers(0, 40, 600)
    found = [associate(np.floor(values * rng.random(600) ** 2), test, strata) for _ in range(400)]
    assert np.std([a.value for a in found]) == pytest.approx(found[0].error, rel=0.15)


def test_strata_hold_items_with_alike_counts():
    train, recent = np.array([0, 5, 5, 5, 100, 101, 130, 200]), np.array([0, 1, 1, 2, 9, 9, 9, 9])
    strata = stratify(train, recent)
    assert strata[1] == strata[2]
    assert strata[4] == strata[5]
    assert len(set(strata.tolist())) == 6


def test_a_column_without_two_items_to_compare_has_no_association():
    assert associate(np.full(5, np.nan), np.arange(5), np.zeros(5, np.int64)) is None
    assert associate(np.arange(5.0), np.ones(5, np.int64), np.zeros(5, np.int64)) is None


@pytest.mark.parametrize("zone", ["", "Z", "+00:00"])
def test_iso_dates_are_read_with_and_without_a_zone(zone):
    values = future.to_numbers(pa.chunked_array([["2024-01-01T00:00:00" + zone, None, "2024-01-02T00:00:00" + zone]]))
    assert values[2] - values[0] == 86_400_000
    assert np.isnan(values[1])


@pytest.fixture(scope="module")
def customers():
    """Return a year of events of users with different rates, and what a table of them may say."""
    rng = np.random.default_rng(0)
    user = rng.choice(300, 20_000, p=(weight := rng.lognormal(0, 0.7, 300)) / weight.sum())
    times = (19_000 + rng.integers(0, 365, 20_000)) * DAY + rng.integers(0, DAY, 20_000)
    cut = np.sort(times)[16_000]
    train, test = (np.bincount(user[part], minlength=300) for part in (times < cut, times >= cut))
    last = np.array([times[user == u].max(initial=0) for u in range(300)])
    events = {"user_id": user, "item_id": rng.integers(0, 50, 20_000), "timestamp": times}
    return events, {
        "orders next month": test, "orders of all time": train + test, "orders before": train, "noise": rng.random(300),
        "age": rng.integers(18, 80, 300), "city": ["Graz", "Bern", "Wien"] * 100, "last_seen": last,
    }  # fmt: skip


def users_finding(task_on, customers, names, models=()):
    events, columns = customers
    task = task_on(events, None, {"user_id": np.arange(300), **{name: columns[name] for name in names}}, split=CUTS)
    return {f.name: f for f in check_task(task, models)}.get("future")


@pytest.mark.parametrize("name", ["orders next month", "orders of all time", "last_seen"])
def test_a_column_of_users_that_knows_the_test_is_found(task_on, customers, name):
    finding = users_finding(task_on, customers, ["age", "city", name])
    assert finding.found.startswith(f"Columns of the users contain information about the test part: {name!r} is ")
    assert finding.remedy.startswith(
        "remove the columns from the file of the users, write it as it was before the test"
    )
    if name == "last_seen":
        assert "is the time of the last event of a user, and for " in finding.found
    else:
        assert "is larger for users with more test events, among " in finding.found


def test_clean_columns_of_users_raise_no_alarm(task_on, customers):
    assert users_finding(task_on, customers, ["age", "city", "noise", "orders before"]) is None


def test_a_column_of_users_is_reported_only_if_a_model_reads_it(task_on, customers):
    ranked = {"label": "a", **KNN, "rankers": ["lambdamart"]}
    for features, reads in (({}, False), ({"user_columns": ["orders next month"]}, True)):
        raw = {"data": {"source": "synthetic-shop"}, "split": {**CUTS, "cuts": [0.6, 0.7, 0.8]}, "model": [{**ranked, "candidate_features": features}]}  # fmt: skip
        finding = users_finding(task_on, customers, ["orders next month"], experiment_from(raw).models)
        assert (finding is not None) is reads
        assert finding is None or finding.found.endswith("Models that may read them: a.")
