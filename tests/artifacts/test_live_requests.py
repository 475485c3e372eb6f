"""Requests of a server give the lists of the same calls in Python, count live events, and name the field of an error."""

import numpy as np
import pyarrow as pa
import pytest

import zoo
from zoo.api import FieldError, RequestEvent, answer_requests, explain_request, parse_request

SHOP = {"customers": 60, "items": 40, "events": 1500, "categories": 4, "brands": 6}


@pytest.fixture(scope="module", params=["item-knn", "sasrec"])
def artifact(request, tmp_path_factory):
    log = zoo.read_log(zoo.load("synthetic-shop", **SHOP))
    model = zoo.load("sasrec", dim=8, length=10) if request.param == "sasrec" else request.param
    return zoo.fit(model, log, train={"max_epochs": 1})


def lists(artifact, *requests, k=8, **rules):
    return [
        [(item.item_id, item.fallback) for item in found] for found in answer_requests(artifact, requests, k, **rules)
    ]


def called(found):
    return [(item.item_id, item.fallback) for item in found]


def events_of(artifact, user):
    row = artifact.user_numbers[user] - 1
    span = slice(*artifact.histories.offsets[row : row + 2])
    ids = artifact.catalogue.ids.take(pa.array(artifact.histories.items[span])).to_pylist()
    names = [artifact.log.event_names[code] for code in artifact.histories.events[span]]
    return list(map(RequestEvent, ids, artifact.histories.times[span].tolist(), names))


def test_users_and_histories_in_one_call_get_the_lists_of_calls_of_their_own(artifact):
    users = ["c000001", "c000002", "nobody"]
    requests = [parse_request(artifact, user) for user in users]
    requests.append(parse_request(artifact, history=[RequestEvent("p00001"), RequestEvent("p00002")]))
    requests.append(parse_request(artifact))
    expected = [called(artifact.recommend(user, k=8)) for user in users]
    expected += [
        called(artifact.recommend(history=["p00001", "p00002"], k=8)),
        called(artifact.recommend(history=[], k=8)),
    ]
    assert lists(artifact, *requests) == expected


def test_a_history_with_times_and_types_is_that_of_a_table_of_queries(artifact):
    ids, times, types = ["p00003", "p00001", "p00002"], [1_700_000_000_000, 1_700_000_300_000, 1_700_000_200_000], ["view", "purchase", "view"]  # fmt: skip
    now = "2023-11-14T22:17:30Z"  # before the second event
    table = pa.table({"user_id": ["c000001"], "history": [ids], "times": [times], "events": [types], "now": [now]})
    found = parse_request(artifact, "c000001", history=list(map(RequestEvent, ids, times, types)), now=now)
    assert found.later == 1
    assert lists(artifact, found) == [called(artifact.to_items(artifact.lists(table, 8))[0])]
    iso = [RequestEvent("p00003", "2023-11-14T22:13:20Z", "view"), RequestEvent("p00001", "2023-11-14T22:18:20+00:00")]
    assert parse_request(artifact, history=iso).times.tolist() == [1_700_000_000_000, 1_700_000_300_000]


def test_live_events_follow_the_history_of_the_artifact(artifact):
    stored, end = events_of(artifact, "c000003"), artifact.log.end
    live = [RequestEvent("p00005", end + 10, "view"), RequestEvent("p00007", end + 20, "purchase")]
    found = parse_request(artifact, "c000003", live=live)
    whole = parse_request(artifact, "c000003", history=[*stored, *live])
    assert (found.items.tolist(), found.times.tolist(), found.events.tolist()) == (whole.items.tolist(), whole.times.tolist(), whole.events.tolist())  # fmt: skip
    assert found.now == end + 21
    assert lists(artifact, found) == lists(artifact, whole)
    assert {"p00005", "p00007"}.isdisjoint(item for item, _ in lists(artifact, found)[0])
    assert len(parse_request(artifact, "c000003", live=live, now=end + 15).items) == len(stored) + 1


def test_a_live_event_that_the_artifact_has_counts_once(artifact):
    stored = events_of(artifact, "c000003")
    again = parse_request(artifact, "c000003", live=stored[-3:])
    assert len(again.items) == len(stored)
    twice = parse_request(artifact, "c000003", live=[stored[-1]._replace(time=stored[-1].time + 1)])
    assert len(twice.items) == len(stored) + 1


def test_what_the_artifact_does_not_know_is_left_out_and_counted(artifact):
    found = parse_request(artifact, history=[RequestEvent("gone"), RequestEvent("p00001"), RequestEvent("gone")])
    assert (found.unknown_items, len(found.items)) == (("gone",), 1)
    live = [
        RequestEvent("p00001", artifact.log.end + 1, "of another artifact"),
        RequestEvent("gone", artifact.log.end + 1),
    ]
    found = parse_request(artifact, "new", live=live)
    assert (found.user, len(found.items), found.unknown_items) == (0, 0, ("gone",))


def test_rules_hold_in_every_list(artifact):
    category = artifact.catalogue.table["category"][1].as_py()
    request = parse_request(artifact, "c000001")
    found = lists(artifact, request, request, where={"category": category}, exclude=["p00001", "gone"])
    expected = artifact.with_rules(where={"category": category}, exclude=["p00001"]).recommend("c000001", k=8)
    assert found == [called(expected)] * 2


def test_the_explanation_is_that_of_the_artifact(artifact):
    items = [item.item_id for item in artifact.recommend("c000001", k=3)]
    found = explain_request(artifact, parse_request(artifact, "c000001"), items, 2)
    expected = artifact.explain("c000001", k=3, most=2)
    assert [item.item_id for item in found] == items
    assert [str(item) for item in found] == [str(item) for item in expected]


@pytest.mark.parametrize(
    ("history", "path", "message"),
    [
        ([("p00001", None, None), ("p00002", 1_700_000_000_000, None)], ("history", 0, "time"), "the event has no time, and others have one. Give every event of the history a time, or none."),
        ([("p00001", None, "veiw")], ("history", 0, "event"), "'veiw' is not an event type of the artifact. Did you mean 'view'? Its types: "),
        ([("p00001", 1_700_000_000_000, None), ("p00002", "soon", None)], ("history", 1, "time"), "'soon' is no time (now: "),
    ],
)  # fmt: skip
def test_an_error_names_the_field(artifact, history, path, message):
    with pytest.raises(FieldError) as found:
        parse_request(artifact, history=[RequestEvent(*event) for event in history])
    assert found.value.path == path
    assert str(found.value).startswith(message)


def test_an_error_of_a_moment_and_of_a_rule_names_the_field(artifact):
    with pytest.raises(FieldError, match="'soon' is no time") as found:
        parse_request(artifact, now="soon")
    assert found.value.path == ("at",)
    request = parse_request(artifact, "c000001")
    with pytest.raises(FieldError, match=r"no item column 'catgory'\. Did you mean 'category'") as found:
        answer_requests(artifact, [request], 3, where={"catgory": "tea"})
    assert found.value.path == ("where", "catgory")


def test_positions_follow_those_of_the_history():
    table = pa.table({"user_id": list("aabb"), "item_id": list("xyyx"), "position": [0, 1, 0, 1]})
    artifact = zoo.fit("popular", zoo.read_log(table))
    found = parse_request(artifact, "a", live=[RequestEvent("x", 5), RequestEvent("y")])
    assert (found.times.tolist(), found.now) == ([0, 1, 2, 3], 4)
    assert parse_request(artifact, history=[RequestEvent("x"), RequestEvent("y")]).times.tolist() == [0, 1]
    assert np.array_equal(parse_request(artifact, "a").items, artifact.histories.items[:2])
