"""Why items are in a list: sums, sentences, the model as a whole, and how faithful it is."""

import pytest

import zoo
from zoo.errors import DataError


@pytest.fixture(scope="module")
def log():
    shop = zoo.load("synthetic-shop", customers=150, items=60, events=4_000).read()
    return zoo.read_log(shop.interactions, shop.items)


@pytest.fixture(scope="module")
def ease(log):
    return zoo.fit("ease", log)


@pytest.fixture(scope="module")
def popular(log):
    return zoo.fit("popular", log)


def test_the_list_of_a_user_is_explained_by_items_of_the_history(ease, log):
    found = ease.explain("c000001", k=4, most=2)
    assert [item.item_id for item in found] == [item.item_id for item in ease.recommend("c000001", k=4)]
    row = log.user_ids.to_pylist().index("c000001")
    own = log.log.items[log.log.offsets[row] : log.log.offsets[row + 1]]
    taken = {log.catalogue.ids[int(item)].as_py() for item in own}
    assert found.exact
    assert found.rankers == ()
    for item in found:
        assert {reason.item_id for reason in item.reasons} <= taken
        assert sum(reason.contribution for reason in item.reasons) + item.others + item.rest == pytest.approx(
            item.score, rel=1e-5
        )
        parts = [reason.contribution for reason in item.reasons]
        assert parts == sorted(parts, reverse=True)
        assert str(item).startswith(f"{item.title}: score {item.score:.3g}, because of {item.reasons[0].title} (+")


def test_a_history_and_chosen_items_are_explained(ease):
    (item,) = ease.explain(history=["p00001", "p00002", "p00001"], items="p00005")
    assert item.item_id == "p00005"
    by_item = {reason.item_id: reason for reason in item.reasons}
    assert set(by_item) <= {"p00001", "p00002"}
    assert all(reason.n_events == (2 if reason.item_id == "p00001" else 1) for reason in item.reasons)
    two = ease.explain(history=["p00001"], items=["p00005", "p00006"])
    assert [item.item_id for item in two] == ["p00005", "p00006"]


def test_the_table_has_a_row_for_each_reason(ease):
    found = ease.explain("c000001", k=2, most=3)
    table = found.to_arrow()
    assert len(table) == sum(max(len(item.reasons), 1) for item in found)
    assert table["rank"].to_pylist() == sorted(table["rank"].to_pylist())
    first = table.to_pylist()[0]
    assert first["because"] == found[0].reasons[0].item_id
    assert first["contribution"] == found[0].reasons[0].contribution


def test_a_score_that_no_event_carries_has_no_reason(popular):
    (item,) = popular.explain("c000001", k=1)
    assert item.reasons == ()
    assert item.score > 0
    assert str(item).endswith("no event of the history speaks for it.")


def test_items_of_the_fallback_have_no_score(ease):
    with pytest.warns(UserWarning, match="queries without a history, answered with popular items: 1"):
        (item,) = ease.explain(history=[], k=1)
    assert (item.score, item.reasons) == (None, ())
    assert str(item).endswith("the model has no score for it; popular items fill such places of a list.")


def test_wrong_calls_are_told(ease):
    with pytest.raises(DataError, match="neither a user nor a history is given"):
        ease.explain()
    with pytest.raises(DataError, match="expected the id of one user"):
        ease.explain(["c000001", "c000002"])
    with pytest.raises(DataError, match="'nothing' is not an item of the artifact"):
        ease.explain("c000001", items="nothing")
    with pytest.raises(DataError, match="k is 0"):
        ease.explain("c000001", k=0)


@pytest.mark.parametrize("ranker", ["lambdamart", "neural-ranker"])
def test_the_features_of_a_ranker_are_reasons_for_the_order(log, ranker):
    split = zoo.Temporal(cuts=[0.6, 0.7, 0.8])
    shop = zoo.fit({"predictor": "als", "rankers": [ranker]}, log, split=split, train={"max_epochs": 2})
    found = shop.explain("c000001", k=3, most=2)
    assert found.rankers == (ranker,)
    assert [item.item_id for item in found] == [item.item_id for item in shop.recommend("c000001", k=3)]
    for item in found:
        assert 0 < len(item.features) <= 2
        sizes = [abs(feature.contribution) for feature in item.features]
        assert sizes == sorted(sizes, reverse=True)
    rows = found.to_arrow().to_pylist()
    assert all((row["feature"] is None) == (row["value"] is None) for row in rows)


def test_a_model_as_a_whole(ease, popular):
    found = ease.explain_model(users=40, k=5)
    table = found.to_arrow().to_pylist()
    for by in ("age", "event"):
        assert sum(row["share"] for row in table if row["by"] == by) + found.rest == pytest.approx(1, abs=1e-6)
    assert found.users == 40
    assert {row["group"] for row in table if row["by"] == "event"} == {"view", "purchase"}
    assert ease.explain_model(users=40, k=5).to_arrow() == found.to_arrow()
    assert all(row["share"] == 0 for row in popular.explain_model(users=5).to_arrow().to_pylist())


def test_faithful_explanations_cost_more_than_random_events(ease, popular):
    found = ease.faithfulness(events=3, users=60)
    assert found.queries == 60
    assert found.named > found.random
    assert found.interval[0] > 0
    assert found.difference == pytest.approx(found.named - found.random)
    assert "Without the 3 events that explain it most" in str(found)
    none = popular.faithfulness(events=3, users=10)
    assert none.named == 0
    assert "Difference: +0.00 (no interval), 10 users." in str(none)
    with pytest.raises(DataError, match="no user of the artifact has more than 100000 events"):
        ease.faithfulness(events=100_000)
