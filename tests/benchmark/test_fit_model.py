"""`zoo.fit`: one model of an experiment becomes what recommends; the command `zoo fit` is a shell over it."""

import pytest

import zoo
from zoo.errors import ArtifactError, ConfigError

EXPERIMENT = {
    "data": {"source": {"name": "synthetic-shop", "customers": 40, "items": 60, "events": 1500, "categories": 6}},
    "split": {"policy": "temporal", "cuts": [0.8]},
    "train": {"seeds": [3], "max_epochs": 2},
    "model": [{"predictor": "popular"}, {"label": "net", "predictor": {"name": "bpr-mf", "dim": 4}}],
}


def test_without_a_folder_the_artifact_is_returned_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    artifact = zoo.fit(EXPERIMENT, "popular")
    assert isinstance(artifact, zoo.Artifact)
    assert len(artifact.recommend("c000001", k=5)) == 5
    assert list(tmp_path.iterdir()) == []


def test_what_is_saved_recommends_what_was_returned(tmp_path):
    artifact = zoo.fit(EXPERIMENT, "net", out=tmp_path / "net")
    loaded = zoo.load_artifact(tmp_path / "net")
    assert loaded.recommend(["c000001", "c000002"], k=5) == artifact.recommend(["c000001", "c000002"], k=5)
    assert loaded.data["seed"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


def test_it_fits_as_the_benchmark_fits(tmp_path):
    store = zoo.bench(EXPERIMENT, tmp_path / "runs", keep_artifacts=True)
    [row] = [row for row in store.rows() if row.label == "net"]
    benched = zoo.load_artifact(store.artifact(row.key))
    assert zoo.fit(EXPERIMENT, "net").recommend("c000001") == benched.recommend("c000001")


def test_overrides_and_a_resolved_experiment_do_as_for_bench(tmp_path):
    only = zoo.fit(EXPERIMENT, overrides=["model=[{predictor = 'popular'}]"], all_events=True)
    assert only.data["all_events"] is True
    experiment = zoo.load_experiment(_file(tmp_path))
    assert zoo.fit(experiment).recommend("c000001") == zoo.fit(tmp_path / "e.toml").recommend("c000001")
    with pytest.raises(ConfigError, match="resolved already"):
        zoo.fit(experiment, overrides=["train.seeds=[1]"])


def _file(folder):
    (folder / "e.toml").write_text(
        '[data]\nsource = { name = "synthetic-shop", customers = 40, items = 60, events = 900 }\n'
        '[split]\ncuts = [0.8]\n[[model]]\npredictor = "popular"\n'
    )
    return folder / "e.toml"


def test_a_model_has_to_be_named_where_there_are_several():
    with pytest.raises(ConfigError, match=r"choose one, `--model LABEL` or `model=LABEL`\. Its models: popular, net\."):
        zoo.fit(EXPERIMENT)


def test_a_place_that_is_taken_is_refused_before_the_data_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.benchmark.fit_model.load_task", lambda *args: pytest.fail("was read"))
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="exists and is not an artifact"):
        zoo.fit(EXPERIMENT, "popular", out=tmp_path)
