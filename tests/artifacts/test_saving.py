"""Saving and loading: what comes back, and what is refused, always as an `ArtifactError` that names the thing."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

import zoo
from zoo.artifacts import components, saving
from zoo.artifacts.artifact import Artifact
from zoo.artifacts.manifest import add_checksum, file_digest
from zoo.artifacts.saving import load_artifact, save_artifact
from zoo.config.load import experiment_from
from zoo.errors import ArtifactError
from zoo.pipeline import Pipeline, Rules
from zoo.registry.registry import Registry, default_registry


def refused(folder, **options):
    """Return what the error says of a folder that cannot be loaded, without the folder's own name."""
    with pytest.raises(ArtifactError) as error:
        load_artifact(folder, **options)
    return str(error.value).replace(str(folder), "DIR")


def resealed(folder, change=lambda plain: None):
    """Make a changed folder agree with itself: hashes, sizes and the manifest's own checksum."""
    plain = json.loads((folder / "zoo.json").read_text())
    plain.pop("checksum")
    for name, entry in plain["files"].items():
        entry["size"], entry["blake2b"] = (folder / name).stat().st_size, file_digest(folder / name)
    change(plain)
    (folder / "zoo.json").write_text(add_checksum(plain))


def test_a_loaded_artifact_recommends_as_the_pipeline_that_was_saved(shop, fitted, saved):
    queries, rules = shop.queries("test"), Rules(shop.eligible, shop.exclude_seen)
    for label, pipeline in fitted.items():
        artifact = load_artifact(saved[label])
        before = pipeline.recommend(queries, 10, rules)
        after = artifact.pipeline.recommend(queries, 10, artifact.rules, candidates=artifact.candidates)
        assert torch.equal(before.items, after.items)
        assert torch.equal(before.scores, after.scores)


def test_what_comes_back_is_what_was_known_when_the_test_began(shop, saved):
    artifact = load_artifact(saved["whole"])
    known = shop.log.where(shop.parts.known("test"))
    for name in ("offsets", "items", "times", "events"):
        assert np.array_equal(getattr(artifact.histories, name), getattr(known, name)), name
    assert artifact.user_ids.equals(shop.user_ids)
    assert artifact.catalogue.ids.equals(shop.catalogue.ids)
    assert artifact.titles.equals(shop.catalogue.column("title").combine_chunks())
    assert artifact.rules.exclude_seen == ["purchase"]
    assert np.array_equal(artifact.rules.eligible, shop.eligible)
    assert np.array_equal(artifact.pipeline.known, shop.training("test").known)
    assert artifact.data["data"] == shop.fingerprint


def test_the_folder_holds_tensors_tables_and_json_only(saved):
    names = {path.name for path in saved["whole"].iterdir()}
    assert names == {
        "zoo.json", "state.json", "vocabulary.parquet", "columns.parquet", "users.parquet", "histories.safetensors", "features.safetensors", "candidate-features.safetensors",
        "predictor.safetensors", "featurizer-1.safetensors", "filter-1.safetensors",
    }  # fmt: skip
    modes = {path.stat().st_mode & 0o777 for path in saved["whole"].iterdir()}
    assert len(modes) == 1  # safetensors alone would write for the owner only


def test_saving_again_gives_the_same_bytes_and_a_loaded_artifact_can_be_saved(saved, tmp_path):
    again = save_artifact(load_artifact(saved["whole"]), tmp_path / "again")
    for path in saved["whole"].iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_histories_can_be_left_out(shop, fitted, tmp_path):
    folder = save_artifact(Artifact.of(fitted["whole"], shop), tmp_path / "out", histories=False)
    assert not (folder / "histories.safetensors").exists()
    artifact = load_artifact(folder)
    assert len(artifact.histories) == 0
    assert artifact.histories.n_users == shop.log.n_users
    assert artifact.recommend(history=[artifact.catalogue.ids[3].as_py()], k=2)


def test_the_public_name_is_lazy():
    assert zoo.load_artifact is load_artifact


def test_an_artifact_is_replaced_and_anything_else_is_not(shop, fitted, tmp_path):
    artifact, folder = Artifact.of(fitted["transition-graph"], shop), tmp_path / "out"
    save_artifact(replace(artifact, data={"first": True}), folder)
    save_artifact(artifact, folder)
    assert load_artifact(folder).data == artifact.data
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (tmp_path / "current").symlink_to(folder)
    save_artifact(replace(artifact, data={"third": True}), tmp_path / "current")
    assert load_artifact(folder).data == {"third": True}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "out"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(
        ArtifactError, match=r"other exists and is not an artifact\. Choose another folder, or remove it\."
    ):
        save_artifact(artifact, tmp_path / "other")


@pytest.mark.parametrize("name", ["lists.parquet", "notes.txt", "more"])
def test_an_artifact_with_a_file_of_somebody_elses_in_its_folder_is_not_replaced(copy, name):
    artifact = load_artifact(copy)
    if name == "more":
        (copy / name).mkdir()
    else:
        (copy / name).write_text("mine")
    with pytest.raises(ArtifactError) as error:
        save_artifact(artifact, copy)
    assert str(error.value) == (
        f"{copy / name} is not part of the artifact and would be deleted when the artifact is replaced. "
        "Move it elsewhere, or choose another folder."
    )
    assert (copy / name).exists()


def test_a_manifest_that_cannot_be_read_owns_no_files(copy):
    artifact = load_artifact(copy)
    (copy / "zoo.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"is not part of the artifact"):
        save_artifact(artifact, copy)


def test_what_cannot_be_written_leaves_the_artifact_that_was_there(shop, fitted, tmp_path, monkeypatch):
    artifact, folder = Artifact.of(fitted["transition-graph"], shop), tmp_path / "out"
    save_artifact(artifact, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(ArtifactError, match=r"out cannot be written: No space left on device\. Nothing was written"):
        save_artifact(replace(artifact, data={}), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.float64(0.5), "predictor: TransitionGraph.backoff is float64 '0.5', expected a tensor or JSON"),
        ({1: "a"}, "predictor: TransitionGraph.backoff is dict \"{1: 'a'}\", expected a tensor or JSON"),
        (
            torch.eye(3).to_sparse(),
            "predictor: TransitionGraph.backoff is a tensor of 2 axes in the layout sparse_coo, expected a dense one",
        ),
    ],
)
def test_a_state_that_is_no_tensor_and_no_json_is_refused_before_anything_is_written(
    shop, experiment, value, said, tmp_path
):
    pipeline = Pipeline(experiment().models[0]).fit(shop)
    pipeline.predictor.backoff = value
    with pytest.raises(ArtifactError) as error:
        save_artifact(Artifact.of(pipeline, shop), tmp_path / "out")
    assert str(error.value).startswith(said)
    assert not list(tmp_path.iterdir())


def test_tensors_that_share_memory_are_written_apart(shop, experiment, tmp_path):
    pipeline = Pipeline(experiment({"predictor": "item-item-mf"}).models[0]).fit(shop)
    n = shop.log.n_items + 1
    both = torch.arange(float(n * n)).reshape(n, n)
    pipeline.predictor.left, pipeline.predictor.right = both, both.T
    loaded = load_file(save_artifact(Artifact.of(pipeline, shop), tmp_path / "out") / "predictor.safetensors")
    assert loaded["left"].tolist() == both.tolist()
    assert loaded["right"].tolist() == both.T.tolist()


def test_a_state_that_contradicts_what_its_stage_declares_is_refused_before_anything_is_written(
    shop, experiment, tmp_path
):
    pipeline = Pipeline(experiment().models[0]).fit(shop)
    pipeline.predictor.backoff = torch.zeros(7)
    with pytest.raises(ArtifactError) as error:
        save_artifact(Artifact.of(pipeline, shop), tmp_path / "out")
    assert str(error.value) == (
        "predictor: TransitionGraph.backoff: expected float32 [I] with I = 61, found float32 [7]. "
        "Correct what `fitted` declares, or what `fit` sets."
    )
    assert not list(tmp_path.iterdir())


# What is refused


def test_a_folder_that_disappears_while_it_is_looked_at_has_no_identity(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda path, **options: True)  # as it was a moment before
    assert saving._identity(tmp_path / "gone") is None


def test_a_folder_that_is_none_or_no_artifact(tmp_path):
    assert refused(tmp_path / "nowhere") == "DIR: there is no such folder. Give the folder that `zoo fit` wrote."
    assert refused(tmp_path) == "DIR contains no zoo.json: it is not an artifact. Give the folder that `zoo fit` wrote."


@pytest.mark.parametrize("name", ["model.pkl", "weights.pt", "setup.py"])
def test_a_file_of_another_type(copy, name):
    (copy / name).write_bytes(b"cos\nsystem\n(S'echo no'\ntR.")
    assert refused(copy) == (
        f"DIR/{name} is not listed in zoo.json: an artifact holds .json, .parquet, .safetensors, .usearch files only. "
        "Remove it, or save the artifact again."
    )


def test_a_file_of_another_type_that_the_manifest_lists(copy):
    (copy / "code.py").write_text("raise SystemExit")
    resealed(copy, lambda plain: plain["files"].update({"code.py": {
        "size": 16, "blake2b": file_digest(copy / "code.py"), "tensors": {}
    }}))  # fmt: skip
    assert (
        refused(copy)
        == "DIR/code.py: an artifact holds .json, .parquet, .safetensors, .usearch files only. Do not load it."
    )


def test_a_folder_within_and_a_file_too_many_or_too_few(copy):
    (copy / "inner").mkdir()
    assert (
        refused(copy)
        == "DIR/inner is not a file: an artifact holds .json, .parquet, .safetensors, .usearch files only. Remove it."
    )
    (copy / "inner").rmdir()
    shutil.copy(copy / "state.json", copy / "more.json")
    assert refused(copy) == "DIR/more.json is not listed in zoo.json. Remove it, or save the artifact again."
    (copy / "more.json").unlink()
    (copy / "filter-1.safetensors").unlink()
    assert refused(copy) == "DIR/filter-1.safetensors is missing: the artifact is not complete. Copy or save it again."


def test_bytes_that_are_others(copy):
    path = copy / "predictor.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert refused(copy) == (
        "DIR/predictor.safetensors does not match its checksum in zoo.json: it is damaged or belongs to another artifact. "
        "Copy or save the artifact again."
    )
    path.write_bytes(content[:-1])
    assert refused(copy) == (
        f"DIR/predictor.safetensors has {len(content) - 1:,} bytes, zoo.json says {len(content):,}: it is damaged or "
        "belongs to another artifact. Copy or save the artifact again."
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t | {"vectors@csr.values": t["vectors@csr.values"].double()}, "tensor 'vectors@csr.values' is float64 [{n}], zoo.json says float32 [{n}]"),
        (lambda t: t | {"vectors@csr.values": t["vectors@csr.values"][:5].clone()}, "tensor 'vectors@csr.values' is float32 [5], zoo.json says float32 [{n}]"),
        (lambda t: t | {"more": torch.zeros(2)}, "tensor 'more' is float32 [2], zoo.json says missing"),
        (lambda t: {key: part for key, part in t.items() if not key.endswith("values")}, "tensor 'vectors@csr.values' is missing, zoo.json says float32 [{n}]"),
    ],
)  # fmt: skip
def test_a_tensor_of_another_name_type_or_shape(copy, change, said):
    path = copy / "predictor.safetensors"
    tensors = load_file(path)
    save_file(change(tensors), path)
    resealed(copy)
    expected = said.format(n=len(tensors["vectors@csr.values"]))
    assert refused(copy) == f"DIR/predictor.safetensors: {expected}. Save the artifact again."


def test_a_state_that_its_stage_does_not_take(copy):
    state = json.loads((copy / "state.json").read_text())
    del state["filter-1"]["timed"]
    (copy / "state.json").write_text(json.dumps(state))
    resealed(copy)
    assert refused(copy) == (
        "DIR/filter-1.safetensors: Available cannot load its saved state (ValueError: timed: expected bool, found nothing). "
        "Fit the model again with the installed version."
    )
    del state["filter-1"]
    (copy / "state.json").write_text(json.dumps(state))
    resealed(copy)
    assert refused(copy) == "DIR/state.json has no table 'filter-1'. Save the artifact again."


def test_a_network_whose_shapes_are_others(shop, experiment, tmp_path):
    model = {"predictor": {"name": "gru4rec", "dim": 8, "length": 5}, "train": {"max_epochs": 1}}
    pipeline = Pipeline(experiment(model).models[0]).fit(shop)
    folder = save_artifact(Artifact.of(pipeline, shop), tmp_path / "out")
    resealed(folder, lambda plain: plain["model"]["predictor"].update(dim=1))
    assert refused(folder).startswith("DIR/predictor.safetensors: GRU4Rec cannot load its saved state")


def test_a_newer_format_and_what_is_no_manifest(copy):
    resealed(copy, lambda plain: plain.update(format=2))
    assert refused(copy) == (
        "DIR/zoo.json has format 2, this version reads 1: install a newer shopzoo (pip install -U shopzoo)."
    )
    for text in ("{}", "[]", '{"format": true}', '{"format": "1"}'):
        (copy / "zoo.json").write_text(text)
        assert refused(copy).startswith("DIR/zoo.json has no format number: it is not an artifact manifest.")
    (copy / "zoo.json").write_text("{")
    assert refused(copy).startswith("DIR/zoo.json is not valid JSON (")


def test_a_manifest_that_was_edited(copy):
    path = copy / "zoo.json"
    path.write_text(path.read_text().replace('"candidates": 200', '"candidates": 100'))
    assert refused(copy) == ("DIR/zoo.json does not match its own checksum: it was changed. Save the artifact again.")
    resealed(copy, lambda plain: plain.update(candidates=0))
    assert refused(copy) == (
        "DIR/zoo.json is not a valid manifest: candidates: expected a number of at least 1, found 0."
    )


def test_parameters_that_the_component_does_not_take(copy):
    resealed(copy, lambda plain: plain["model"]["predictor"].update(recency=2.0))
    assert refused(copy) == (
        "DIR: shopzoo-text/content-knn.recency: expected a number of at most 1, found 2.0. "
        "The installed version does not accept the artifact's parameters."
    )


def test_items_and_histories_of_another_artifact(copy):
    items = pq.read_table(copy / "vocabulary.parquet")
    pq.write_table(items.slice(1), copy / "vocabulary.parquet")
    resealed(copy)
    assert refused(copy) == ("DIR/vocabulary.parquet: its items do not match zoo.json. Save the artifact again.")
    pq.write_table(items.drop_columns(["known"]), copy / "vocabulary.parquet")
    resealed(copy)
    assert refused(copy) == (
        "DIR/vocabulary.parquet: its columns are item_id string, eligible bool, events int64, title string, "
        "expected item_id string, known bool, eligible bool. Save the artifact again."
    )
    pq.write_table(items, copy / "vocabulary.parquet")
    histories = load_file(copy / "histories.safetensors")
    histories["items"][0] = 10_000
    save_file(histories, copy / "histories.safetensors")
    resealed(copy)
    assert refused(copy).startswith("DIR/histories.safetensors: items: expected 1 to 60, found ")


# Plugins and versions


def test_a_plugin_that_is_missing(copy):
    without = Registry([p for p in default_registry().plugins if p.distribution != "shopzoo-text"])
    version = next(p.version for p in default_registry().plugins if p.distribution == "shopzoo-text")
    assert refused(copy, registry=without) == (
        "DIR needs the predictor 'shopzoo-text/content-knn'. "
        f"shopzoo-text is not installed: pip install 'shopzoo-text=={version}'"
    )


def test_a_component_that_its_plugin_no_longer_has(copy):
    resealed(copy, lambda plain: plain["model"]["predictor"].update(name="shopzoo-text/gone"))
    assert "The installed shopzoo-text has no component of this name: pip install" in refused(copy)


@pytest.mark.parametrize("distribution", ["shopzoo", "shopzoo-rules"])
def test_a_compatible_version_is_warned_of_and_another_refused(copy, distribution):
    plugins = default_registry().plugins
    installed = next(p.version for p in plugins if p.distribution == distribution)
    if distribution == "shopzoo":
        installed = components.__version__
    compatible = f"{installed.rpartition('.')[0]}.999"
    resealed(copy, lambda plain: plain["versions"].update({distribution: compatible}))
    said = f"was saved with {distribution} {compatible}, and {distribution} {installed} is installed"
    with pytest.warns(UserWarning, match=f"{said}: check that its recommendations are the same."):
        load_artifact(copy)
    resealed(copy, lambda plain: plain["versions"].update({distribution: "7.1"}))
    assert refused(copy) == (
        f"DIR was saved with {distribution} 7.1, and {distribution} {installed} is installed, which is not compatible with it. "
        f"Fit the model again, or pip install '{distribution}==7.1'"
    )


def test_a_plugin_of_one_file_has_to_be_passed(shop, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "my_model", raising=False)  # another test may have the original

    file = shutil.copy(Path(__file__).parents[2] / "examples" / "plugins" / "my_model.py", tmp_path / "my_model.py")
    registry = Registry.discover([file])
    name = next(spec.name for plugin in registry.plugins if plugin.is_file for spec in plugin.specs)
    raw = {"data": {"source": "synthetic-shop"}, "model": [{"predictor": name}]}
    pipeline = Pipeline(experiment_from(raw, registry=registry).models[0]).fit(shop)
    folder = save_artifact(Artifact.of(pipeline, shop), tmp_path / "out")
    assert refused(folder) == (
        f"DIR needs the predictor 'my_model/{name}'. It was in a file my_model.py: pass it with --plugin my_model.py."
    )
    assert load_artifact(folder, plugins=[file]).recommend(history=[], k=3)
    del sys.modules["my_model"]
