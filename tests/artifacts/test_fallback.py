"""The fallback in serving: as in the evaluation, saved with the artifact, and visible to the caller."""

import json
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.list_files import _served, recommend_file
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.artifacts.saving import load_artifact, save_artifact
from zoo.data.task import load_task
from zoo.pipeline import Pipeline, Rules
from zoo.stages.candidates import Candidates

FIXTURES = Path(__file__).parents[1] / "fixtures"


def artifact_of(experiment, **evaluate):
    resolved = experiment(
        {"predictor": {"name": "als", "factors": 4}}, evaluate={"exclude_seen": ["purchase"], **evaluate}
    )
    task = load_task(resolved)
    return Artifact.of(Pipeline(resolved.models[0]).fit(task), task), task


def popular_ids(artifact, log, k):
    """Return the ids of the most frequent items, by a loop."""
    counts = {}
    for item in log.items.tolist():
        counts[item] = counts.get(item, 0) + 1
    best = sorted(counts, key=lambda item: (-counts[item], item))[:k]
    return [artifact.catalogue.ids[item].as_py() for item in best]


def test_serving_and_evaluation_give_the_same_lists(experiment, tmp_path):
    artifact, task = artifact_of(experiment)
    loaded = load_artifact(save_artifact(artifact, tmp_path / "als"))
    queries = task.queries("test")
    expected = artifact.pipeline.recommend(queries, 5, Rules.of(task))
    found = loaded.pipeline.recommend(queries, 5, loaded.rules)
    assert found.items.tolist() == expected.items.tolist()
    assert found.filled_slots().tolist() == expected.filled_slots().tolist()
    training = task.training("test")
    assert loaded.pipeline.retrieval.popularity.counts.tolist() == training.counts().tolist()
    table = pq.read_table(tmp_path / "als" / "vocabulary.parquet")
    assert table["events"].to_pylist() == training.counts()[1:].tolist()


def test_a_new_user_gets_popular_items_and_the_caller_sees_it(experiment, tmp_path):
    artifact, task = artifact_of(experiment)
    artifact = load_artifact(save_artifact(artifact, tmp_path / "als"))
    found = artifact.recommend("nobody", k=4)
    assert [item.item_id for item in found] == popular_ids(artifact, task.training("test"), 4)
    assert {(item.score, item.fallback) for item in found} == {(None, True)}
    known = artifact.recommend(artifact.user_ids[0].as_py(), k=4)
    assert not any(item.fallback or item.score is None for item in known)


@pytest.mark.parametrize("ending", [".parquet", ".jsonl", ".csv"])
def test_a_file_has_null_for_scores_of_the_fallback_and_says_what_served_a_list(experiment, ending, tmp_path):
    artifact, _ = artifact_of(experiment)
    user = artifact.user_ids[0].as_py()
    pq.write_table(pa.table({"user_id": [user, "nobody"]}), tmp_path / "q.parquet")
    recommend_file(artifact, tmp_path / "q.parquet", tmp_path / f"l{ending}", 3)
    if ending == ".parquet":
        rows = pq.read_table(tmp_path / "l.parquet").to_pylist()
    elif ending == ".jsonl":
        rows = [json.loads(line) for line in (tmp_path / "l.jsonl").read_text().splitlines()]
    else:
        line = (tmp_path / "l.csv").read_text().splitlines()[2]
        assert line.startswith("2,nobody,")
        assert line.endswith(',",,",fallback')
        return
    assert [row["served"] for row in rows] == ["model", "fallback"]
    assert all(score is not None for score in rows[0]["scores"])
    assert rows[1]["scores"] == [None] * 3


def test_a_list_of_both_and_a_list_of_nothing_are_marked(experiment, tmp_path):
    artifact, _ = artifact_of(experiment, fallback="none")
    pq.write_table(pa.table({"user_id": ["nobody"]}), tmp_path / "q.parquet")
    notes = recommend_file(artifact, tmp_path / "q.parquet", tmp_path / "l.parquet", 3)
    (row,) = pq.read_table(tmp_path / "l.parquet").to_pylist()
    assert (row["items"], row["scores"], row["served"]) == ([], [], "none")
    assert notes.messages()[-1] == 'queries without a history, without items (fallback = "none"): 1'
    items = np.array([[1, 2], [1, 2], [1, 2], [0, 0]])
    filled = np.array([[False, False], [False, True], [True, True], [False, False]])
    lists = Candidates(torch.from_numpy(items), torch.zeros(4, 2), torch.zeros(4) > 0, torch.from_numpy(filled))
    assert _served(lists, None).to_pylist() == ["model", "both", "fallback", "none"]


def test_the_setting_is_saved(experiment, tmp_path):
    for fallback in ("none", "popular"):
        artifact, _ = artifact_of(experiment, fallback=fallback)
        folder = save_artifact(artifact, tmp_path / fallback)
        assert json.loads((folder / "zoo.json").read_text())["fallback"] == fallback
        assert load_artifact(folder).rules.fallback == fallback


def test_an_artifact_without_counts_answers_as_it_did_and_says_so(tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* was saved with ")
        artifact = load_artifact(FIXTURES / "written_by_api_1" / "artifacts" / "als" / "artifact")
    queries, notes = pa.table({"user_id": ["nobody"]}), QueryWarnings()
    lists = artifact.lists(queries, 5, notes=notes)
    eligible = np.flatnonzero(artifact.pipeline.known & artifact.rules.eligible)[:5]
    assert lists.items[0].tolist() == eligible.tolist()  # every score is 0
    assert notes.messages()[-1] == (
        "queries without a history, answered by the model's scores for no history (the artifact was saved without the event "
        "counts that the fallback needs; fit it again): 1"
    )
    pq.write_table(queries, tmp_path / "q.parquet")
    recommend_file(artifact, tmp_path / "q.parquet", tmp_path / "l.jsonl", 3)
    assert json.loads((tmp_path / "l.jsonl").read_text())["served"] == "fallback"
    assert "events" not in pq.read_schema(save_artifact(artifact, tmp_path / "again") / "vocabulary.parquet").names
