"""What a row of a table of queries comes to: whose history, which items, what moment."""

import numpy as np
import pyarrow as pa
import pytest

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.query_parsing import parse_queries
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.artifacts.saving import load_artifact, save_artifact
from zoo.data.task import Task
from zoo.errors import DataError
from zoo.pipeline import Pipeline


@pytest.fixture(scope="module")
def artifact(saved):
    return load_artifact(saved["item-knn"])


@pytest.fixture
def questions(artifact):
    """Return a function that gives each row's items, events and moment, in the order of the table."""

    def ask(moment=None, notes=None, **columns):
        table, found = pa.table(columns), {}
        for rows, queries in parse_queries(
            table, artifact, lambda row: f"file, row {row + 1}", "file", now=moment, notes=notes or QueryWarnings()
        ):
            assert len(rows) == len(queries)
            h = queries.histories
            for at, row in enumerate(rows):
                part = slice(h.offsets[at], h.offsets[at + 1])
                found[int(row)] = {
                    "items": artifact.catalogue.ids.take(pa.array(h.items[part])).to_pylist(),
                    "times": h.times[part].tolist(),
                    "events": [queries.log.event_names[code] for code in h.events[part]],
                    "now": int(queries.now[at]),
                    "user": int(queries.users[at]),
                }
        return [found[row] for row in range(len(table))]

    return ask


def wrong(questions, **columns):
    with pytest.raises(DataError) as error:
        questions(**columns)
    return str(error.value)


def items_of(artifact, user):
    """Return the ids of a user's events, by a loop."""
    row = artifact.user_ids.to_pylist().index(user)
    log = artifact.histories
    return [artifact.catalogue.ids[int(item)].as_py() for item in log.items[log.offsets[row] : log.offsets[row + 1]]]


def test_a_known_user_has_the_history_of_the_artifact(artifact, questions):
    users = artifact.user_ids.to_pylist()[:5]
    found = questions(user_id=users)
    assert [row["items"] for row in found] == [items_of(artifact, user) for user in users]
    assert [row["user"] for row in found] == [1, 2, 3, 4, 5]
    assert {row["now"] for row in found} == {artifact.log.end + 1}


def test_a_history_of_its_own_comes_before_the_artifacts_and_rows_keep_their_order(artifact, questions):
    a, b, c = artifact.catalogue.ids.to_pylist()[1:4]
    user = artifact.user_ids[7].as_py()
    notes = QueryWarnings()
    found = questions(
        notes=notes, user_id=[user, None, user, "nobody", "nobody"], history=[None, [a, b, a], [c], [b], None]
    )
    assert [row["items"] for row in found] == [items_of(artifact, user), [a, b, a], [c], [b], []]
    assert [row["user"] for row in found] == [8, 0, 8, 0, 0]
    assert notes.messages() == [
        "queries of unknown users: 2 ('nobody', ...)",
        "queries without a history, answered with popular items: 1",
    ]


def test_items_that_are_not_known_are_left_out_and_counted(artifact, questions):
    a, b = artifact.catalogue.ids.to_pylist()[1:3]
    notes = QueryWarnings()
    found = questions(notes=notes, history=[["x", a, "y", b], ["z", "w", "v"], []])
    assert [row["items"] for row in found] == [[a, b], [], []]
    assert notes.left_out == 5
    assert notes.messages() == [
        "queries without a history, answered with popular items: 2",
        "events dropped from histories because their items are unknown: 5 ('v', 'w', 'x', ...)",
    ]


def test_a_text_is_a_list_whose_entries_commas_separate(artifact, questions):
    a, b = artifact.catalogue.ids.to_pylist()[1:3]
    found = questions(history=[f"{a}, {b}", a, "", " "], times=["5,7", "3", "", None])
    assert [row["items"] for row in found] == [[a, b], [a], [], []]
    assert found[0]["times"] == [5, 7]


def test_events_without_a_time_come_just_before_the_query_and_count_as_the_heaviest_type(artifact, questions):
    a, b = artifact.catalogue.ids.to_pylist()[1:3]
    (row,) = questions(history=[[a, b]])
    assert row["times"] == [artifact.log.end - 1, artifact.log.end]
    assert row["events"] == [artifact.log.default_event] * 2
    (row,) = questions(history=[[a, b]], now=["2030-01-01T00:00:00Z"])
    assert row["times"] == [row["now"] - 2, row["now"] - 1]
    assert row["now"] == 1893456000000


def test_times_and_types_are_read_and_events_put_in_order(artifact, questions):
    a, b = artifact.catalogue.ids.to_pylist()[1:3]
    (row,) = questions(history=[[a, b, a]], times=[[9, 3, 5]], events=[["view", "purchase", "view"]])
    assert row["items"] == [b, a, a]
    assert row["times"] == [3, 5, 9]
    assert row["events"] == ["purchase", "view", "view"]
    first, second = questions(history=[[a], [b, a]], times=[None, [3, 5]], events=[["purchase"], None])
    assert (first["times"], second["times"]) == ([artifact.log.end], [3, 5])
    assert (first["events"], second["events"]) == (["purchase"], [artifact.log.default_event] * 2)


def test_what_came_after_the_moment_of_the_query_is_left_out(artifact, questions):
    log, notes = artifact.histories, QueryWarnings()
    row = int(np.argmax(log.lengths))
    times = log.times[log.offsets[row] : log.offsets[row + 1]]
    moment = int(times[len(times) // 2])
    (found,) = questions(notes=notes, user_id=[artifact.user_ids[row].as_py()], now=[moment])
    assert len(found["items"]) == int((times <= moment).sum()) < len(times)
    assert max(found["times"]) <= moment == found["now"]
    assert notes.later == int((times > moment).sum())
    a, b = artifact.catalogue.ids.to_pylist()[1:3]
    (found,) = questions(history=[[a, b]], times=[[100, 300]], now=[200])
    assert found["items"] == [a]


def test_a_moment_for_all_is_for_those_that_have_none(artifact, questions):
    users = artifact.user_ids.to_pylist()[:2]
    found = questions(artifact.log.end + 50, user_id=[*users, "x"], now=[None, None, 7])
    assert [row["now"] for row in found] == [artifact.log.end + 50] * 2 + [7]


@pytest.mark.parametrize("text", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str)
@pytest.mark.parametrize("many", [pa.list_, pa.large_list, pa.list_view])
def test_columns_of_any_arrow_type_are_the_same(artifact, questions, text, many):
    a, b = artifact.catalogue.ids.to_pylist()[1:3]
    user, histories = artifact.user_ids.to_pylist()[0], [[a, b], None, [b]]
    plain = questions(user_id=[None, user, "new"], history=histories)
    column = pa.array(histories, many(pa.large_string() if pa.types.is_dictionary(text) else text))
    users = pa.array([None, user, "new"])
    users = users.dictionary_encode() if pa.types.is_dictionary(text) else users.cast(text)
    assert questions(user_id=users, history=column) == plain


def test_users_may_be_numbers(shop, fitted):
    numbered = Task.of(shop.log, shop.split, shop.evaluate, shop.catalogue)
    artifact = Artifact.of(fitted["transition-graph"], numbered)
    assert artifact.recommend(3, k=4) == artifact.recommend("3", k=4)
    for ids in (pa.array([3], pa.int32()), pa.array([3.0, None]).slice(0, 1), pa.array(["3"]).dictionary_encode()):
        assert artifact.to_items(artifact.lists(pa.table({"user_id": ids}), 4)) == artifact.recommend([3], k=4)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"user": ["1"]}, "file: 'user' is not a column of queries. Did you mean 'user_id'? Known: user_id, history, times, events, now. Rename or remove it."),
        ({"now": [1]}, "file: neither a column 'user_id' nor 'history', but a query needs a user_id or a history. Its columns: now."),
    ],
)  # fmt: skip
def test_a_column_that_is_none_is_told(artifact, columns, said):
    with pytest.raises(DataError) as error:
        artifact.lists(pa.table(columns), 3, origin="file")
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"user_id": ["a", None]}, "file, row 2: user_id is empty, but a query needs a user_id or a history. Mend the row."),
        ({"history": [["a"], None]}, "file, row 2: history is empty, but a query needs a user_id or a history. Mend the row; for a new user without events write [] as history, in CSV a space."),
        ({"user_id": [1.0, 1.5]}, "file, row 2: user_id is 1.5, expected an id: a whole number or text. Cast the column in the file."),
        ({"user_id": [True]}, "file: user_id is bool, expected ids: integers or text. Choose another column in the queries, or cast it in the file."),
        ({"history": [["a"], ["a", None]]}, "file, row 2: history has an empty entry, expected an item id. Mend the row."),
        ({"history": ["a", "a,,b"]}, "file, row 2: history has an empty entry, expected an item id. Mend the row."),
        ({"history": [1]}, "file: history is int64, expected a list. Write one list per row."),
        ({"history": [["a"], ["a", "b"]], "times": [[1], [1]]}, "file, row 2: times has 1 entries and history 2, expected the same number. Mend the row."),
        ({"history": [["a"], ["b"]], "events": [["view"], ["vew"]]}, "file, row 2: events has 'vew', which is not an event type of the artifact. Did you mean 'view'? Its types: purchase, view."),
        ({"history": [["a"]], "times": [["soon"]]}, "file, row 1: timestamp ('times' in the data) is 'soon', which is not an ISO 8601 date and time"),
        ({"user_id": ["a", "b"], "now": [None, "soon"]}, "file, row 2: timestamp ('now' in the data) is 'soon', which is not an ISO 8601 date and time"),
    ],
)  # fmt: skip
def test_a_malformed_row_names_file_row_and_column(questions, columns, said):
    assert wrong(questions, **columns).startswith(said)


def test_users_whom_a_model_cannot_serve_are_told_of(experiment, shop, tmp_path):
    model = {"predictor": {"name": "bpr-mf", "dim": 4}, "train": {"max_epochs": 1}}
    pipeline = Pipeline(experiment(model).models[0]).fit(shop)
    artifact, notes = Artifact.of(pipeline, shop), QueryWarnings()
    queries = pa.table({"user_id": [shop.user_ids[0].as_py(), "nobody", None], "history": [None, None, []]})
    artifact.lists(queries, 3, notes=notes)
    assert notes.messages() == [
        "queries of unknown users: 1 ('nobody')",
        "queries of users outside training, answered with popular items: 2",
    ]
    assert notes.unread.tolist() == [False, True, True]
    save_artifact(artifact, tmp_path / "none", histories=False)
    notes = QueryWarnings()
    load_artifact(tmp_path / "none").lists(queries[:1], 3, notes=notes)
    assert notes.messages() == [
        "queries of users whose histories were not saved with the artifact: 1 (give each a `history`)"
    ]
    assert notes.unread.tolist() == [False]


def test_a_history_of_nothing_that_the_model_reads_gets_the_fallback(artifact):
    pipeline, notes = artifact.pipeline, QueryWarnings()
    new = artifact.catalogue.ids[int(np.flatnonzero(~pipeline.known)[1])].as_py()
    old = artifact.catalogue.ids[int(np.flatnonzero(pipeline.known)[0])].as_py()
    queries = pa.table(
        {"history": [[new], [old], ["nothing"], []], "user_id": [artifact.user_ids[0], None, None, None]}
    )
    artifact.lists(queries, 3, notes=notes)
    assert notes.unread.tolist() == [True, False, True, True]
    assert notes.without_history == 3


def test_the_order_of_a_history_within_a_moment_is_that_of_training(artifact, questions):
    ids = artifact.catalogue.ids.to_pylist()
    assert artifact.log.ties == "together"
    answers = [questions(history=[order], times=[times]) for order, times in (
        ([ids[7], ids[3], ids[9], ids[1]], [5, 5, 5, 6]), ([ids[1], ids[9], ids[3], ids[7]], [6, 5, 5, 5]),
    )]  # fmt: skip
    assert answers[0] == answers[1]
    assert answers[0][0]["items"] == [ids[3], ids[7], ids[9], ids[1]]
