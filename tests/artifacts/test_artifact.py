"""Recommending in Python: one user, several, new ones; with the filters, rankers and rules of the pipeline."""

import numpy as np
import pytest

import zoo
from zoo.artifacts.artifact import Recommended
from zoo.artifacts.saving import load_artifact
from zoo.data.queries import Queries
from zoo.errors import DataError


@pytest.fixture(scope="module")
def artifact(saved):
    return load_artifact(saved["whole"])


def test_one_user_gets_a_list_and_several_a_list_each(artifact):
    users = artifact.user_ids.to_pylist()[:3]
    one = artifact.recommend(users[0], k=4)
    assert len(one) == 4
    assert isinstance(one[0], Recommended)
    assert artifact.recommend(users, k=4) == [artifact.recommend(user, k=4) for user in users]
    assert artifact.recommend([users[0]], k=4) == [one]
    assert artifact.recommend([], k=4) == []


def test_a_history_takes_the_place_of_a_user(artifact):
    a, b, c = artifact.catalogue.ids.to_pylist()[1:4]
    one = artifact.recommend(history=[a, b], k=3)
    assert artifact.recommend(history=[[a, b], [c], []], k=3) == [
        one,
        artifact.recommend(history=[c], k=3),
        artifact.recommend(history=[], k=3),
    ]
    assert artifact.recommend("nobody", k=3) == artifact.recommend(history=[], k=3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"history": "p00012"}, r"history has 'p00012' where a list of item ids is expected: write \['p00012'\]"),
        ({"users": ["a"], "history": ["p00012"]}, r"history has 'p00012' where a list of item ids is expected"),
        ({"users": ["a", "b"], "history": [["p00012"]]}, r"expected a history for each of the 2 users, found 1\."),
        ({"users": "a", "k": 0}, r"k is 0, expected at least 1"),
        ({"users": "a", "k": "5"}, r"k is '5', expected at least 1 item in a list, a whole number\."),
    ],
)
def test_a_call_that_means_something_else_is_refused(artifact, call, said):
    with pytest.raises(DataError, match=said):
        artifact.recommend(**call)


def test_its_repr_is_a_line_that_says_what_it_is(artifact):
    assert repr(artifact) == (
        f"Artifact(whole: tf-idf > content-knn > available > mmr; 40 users, {len(artifact.catalogue) - 1} items; "
        f"shopzoo {zoo.__version__})"
    )


def test_a_list_is_that_of_the_pipeline_with_its_filter_its_ranker_and_its_rules(artifact):
    log, row = artifact.histories, int(np.argmax(artifact.histories.lengths))
    queries = Queries.of_histories(log)[row : row + 1]
    expected = artifact.pipeline.recommend(queries, 5, artifact.rules, candidates=artifact.candidates)
    user = artifact.user_ids[row].as_py()
    found = artifact.recommend(user, k=5, now=int(queries.now[0]))
    ids, titles = artifact.catalogue.ids, artifact.titles
    assert [item.item_id for item in found] == [ids[i].as_py() for i in expected.items[0].tolist()]
    assert [item.title for item in found] == [titles[i].as_py() for i in expected.items[0].tolist()]
    assert [item.score for item in found] == expected.scores[0].tolist()
    mine = slice(log.offsets[row], log.offsets[row + 1])
    bought = {ids[int(item)].as_py() for item in log.items[mine][log.events[mine] == log.event_names.index("purchase")]}
    everything = {item.item_id for item in artifact.recommend(user, k=1000)}
    assert bought
    assert not everything & bought
    assert everything


def test_a_filter_of_moments_asks_for_the_moment(artifact):
    filtered = artifact.pipeline.filters[0]
    first = filtered.first[1:].numpy()
    moment = int(np.sort(first[first > first.min()])[0])
    before = {item.item_id for item in artifact.recommend(history=[], k=1000, now=moment - 1)}
    after = {item.item_id for item in artifact.recommend(history=[], k=1000, now=moment)}
    came = {artifact.catalogue.ids[int(i) + 1].as_py() for i in np.flatnonzero(first == moment)}
    assert came & after
    assert not came & before


def test_the_list_of_a_run_is_that_of_its_artifact(shop, saved):
    """A query of the test is asked when the test begins: at that moment, the artifact gives what the evaluation got."""
    loaded = load_artifact(saved["whole"])
    queries = shop.queries("test")
    known = queries.where(queries.lengths > 0)[:10]
    lists = loaded.pipeline.recommend(known, 5, loaded.rules, candidates=loaded.candidates)
    for at, row in enumerate(known.row):
        found = loaded.recommend(shop.user_ids[int(row)].as_py(), k=5, now=int(known.now[at]))
        assert [item.item_id for item in found] == [
            shop.catalogue.ids[i].as_py() for i in lists.items[at].tolist() if i
        ]
