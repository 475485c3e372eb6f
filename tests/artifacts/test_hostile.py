"""Artifacts that were changed on purpose, under checksums that fit: refused when they are loaded, with the file and the reason."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from zoo.artifacts.components import refuse_paths
from zoo.artifacts.manifest import add_checksum, file_digest
from zoo.artifacts.memory_limit import LimitedTensors
from zoo.artifacts.saving import load_artifact
from zoo.errors import ArtifactError
from zoo.registry.registry import default_registry

KEPT = Path(__file__).parents[1] / "fixtures"
ALS, EASE, SASREC = (KEPT / "written_by_api_1" / "artifacts" / name / "artifact" for name in ("als", "ease", "sasrec"))
TREES, WHOLE, GRAPH = (KEPT / "artifacts" / name for name in ("api1-all", "whole", "graph"))


@pytest.fixture
def changed(tmp_path):
    """Return a function that copies an artifact, changes it, seals it, and returns what the refusal says."""

    def change(original, name, edit):
        folder = shutil.copytree(original, tmp_path / "copy")
        if name.endswith(".safetensors"):
            tensors = load_file(folder / name)
            edit(tensors)
            save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / name)
        elif name == "state.json":
            values = json.loads((folder / name).read_text())
            edit(values)
            (folder / name).write_text(json.dumps(values))
        plain = json.loads((folder / "zoo.json").read_text())
        plain.pop("checksum")
        if name == "zoo.json":
            edit(plain)
        else:
            plain["files"][name] |= {"size": (folder / name).stat().st_size, "blake2b": file_digest(folder / name)}
            if name.endswith(".safetensors"):
                plain["files"][name]["tensors"] = {
                    key: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape)}
                    for key, t in load_file(folder / name).items()
                }
        (folder / "zoo.json").write_text(add_checksum(plain))
        with pytest.raises(ArtifactError) as error:
            load_artifact(folder)
        return str(error.value).replace(str(folder), "DIR")

    return change


def put(name, at, value):
    """Return a change of one number of a tensor."""

    def edit(tensors):
        tensors[name][at] = value

    return edit


@pytest.mark.parametrize("number", [2**31 - 1, -1_000_000])
def test_offsets_of_item_features_that_lie_outside(changed, number):
    said = changed(WHOLE, "features.safetensors", put("offsets", 7, number))
    assert said.startswith("DIR/features.safetensors: offsets: expected them never to fall, found [")


def test_item_features_for_other_items(changed):
    def edit(tensors):
        tensors["offsets"] = torch.cat([tensors["offsets"], tensors["offsets"][-1:]])

    assert changed(WHOLE, "features.safetensors", edit).startswith(
        "DIR/features.safetensors: values: expected float32 [I, D] | csr float32 [I, D] with I = 61, found csr float32 [62, "
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_sparse_values_that_are_not_finite(changed, number):
    said = changed(GRAPH, "predictor.safetensors", put("probabilities", 3, number))
    assert said == (
        f"DIR/predictor.safetensors: TransitionGraph cannot load its saved state (ValueError: values: expected finite numbers, "
        f"found {number} at place 3). Fit the model again with the installed version."
    )


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (put("offsets", 1, 2**62), "offsets: expected them never to fall, found"),
        (put("items", 0, 0), "items: expected 1 to 50, found 0 to 50"),
        (put("events", 0, 200), "events: expected 0 to"),
        (lambda t: t.update(times=t["times"].int()), "times: expected int64 ["),
        (lambda t: t.update(offsets=t["offsets"][1:]), "offsets: expected int64 [61], found int64 [60]"),
        (lambda t: t.pop("times"), "histories: expected the tensors offsets, items, times, events, found events, items, offsets"),
    ],
)  # fmt: skip
def test_histories(changed, edit, reason):
    said = changed(ALS, "histories.safetensors", edit)
    assert said.startswith(f"DIR/histories.safetensors: {reason}")
    assert said.endswith(". Save the artifact again.")


def test_offsets_whose_differences_overflow_are_seen_to_fall(changed):
    def edit(tensors):
        tensors["offsets"][1], tensors["offsets"][2] = 2**63 - 1, -2

    assert "offsets: expected them never to fall" in changed(ALS, "histories.safetensors", edit)


@pytest.mark.parametrize(
    ("original", "name", "edit", "reason"),
    [
        (ALS, "predictor.safetensors", lambda t: t.update(items=t["items"][1:]), "items: expected float32 [I, D] with I = 51, found float32 [50, "),
        (ALS, "predictor.safetensors", lambda t: t.update(items=t["items"].double()), "items: expected float32 [I, D] with I = 51, found float64 [51, "),
        (ALS, "predictor.safetensors", put("items", (3, 1), float("nan")), "items: expected finite numbers, found NaN or an infinite one"),
        (ALS, "state.json", lambda v: v["predictor"].update(unobserved="much"), "unobserved: expected "),
        (EASE, "predictor.safetensors", put("known", 0, 10**6), "known: expected numbers from 0 to 50, found "),
        (EASE, "predictor.safetensors", lambda t: t.update(known=t["known"][1:]), "known: expected int64 [K] < I with K = "),
        (SASREC, "state.json", lambda v: v["predictor"]["sizes"].update(n_users=10**12), "sizes.n_users: expected the number U with U = 60, found 1,000,000,000,000"),
        (SASREC, "zoo.json", lambda v: v["model"]["predictor"].update(length=100_000, dim=4096), "expected no tensor of more than "),
        (TREES, "state.json", lambda v: v["ranker-2"].update(text=v["ranker-2"]["text"].replace("left_child=1 -1", "left_child=9999 -1")), "tree 0, left_child: expected integers from -3 to 1, found 9999"),
        (TREES, "state.json", lambda v: v["ranker-2"].update(text=v["ranker-2"]["text"].partition("\nTree=5")[0]), "expected 12 trees and the line 'end of trees', found 5 trees"),
        (TREES, "state.json", lambda v: v["featurizer-1"].update(tokenizer='{"model": {"vocab": {"a": 5}, "merges": []}}'), "tokenizer: expected the tokens numbered from 0"),
    ],
)  # fmt: skip
def test_states_that_contradict_their_declaration(changed, original, name, edit, reason):
    said = changed(original, name, edit)
    assert said.startswith("DIR/")
    assert f" cannot load its saved state (ValueError: {reason}" in said


def test_a_model_that_cannot_answer_is_refused_before_it_is_used(changed):
    said = changed(ALS, "predictor.safetensors", lambda t: t["items"].fill_(3e38))
    assert said.startswith("DIR: the model cannot answer a query (")
    assert said.endswith("). The artifact is damaged, or was changed: save it again.")


def test_a_featurizer_that_cannot_transform_new_items_is_named(tmp_path):
    folder = shutil.copytree(WHOLE, tmp_path / "copy")
    artifact = load_artifact(folder)
    artifact.pipeline.featurizers[0].terms[1] = artifact.pipeline.featurizers[0].terms[0]
    table = pa.table(
        {"item_id": ["new"], "title": ["red"], "category": ["a"], "brand": ["b"], "price": [1.0], "in_stock": [True]}
    )
    with pytest.raises(
        ArtifactError, match=r"whole cannot take new items \(ValueError: Duplicate term in vocabulary: "
    ):
        artifact.with_items(table)


def test_event_types(changed):
    said = changed(ALS, "zoo.json", lambda plain: plain["log"].update(default_event="gone"))
    assert "DIR/zoo.json is not a valid manifest: log: default_event: expected one of [" in said


def test_an_artifact_names_no_path(tmp_path):
    component = default_registry().find("filter", "deny-list")
    (tmp_path / "secret.txt").write_text("1\n2\n")
    with pytest.raises(ArtifactError) as error:
        refuse_paths(component, {"ids": ["1"], "file": str(tmp_path / "secret.txt")}, "DIR")
    assert str(error.value) == (
        f"DIR: deny-list.file names the file {str(tmp_path / 'secret.txt')[:60]!r}, expected no path in an artifact. "
        "Read the file when the experiment is read, and keep what it contains."
    )
    refuse_paths(component, component.params({"file": str(tmp_path / "secret.txt")}, "deny-list").model_dump(), "DIR")


def test_the_file_of_a_list_is_not_opened(changed, tmp_path):
    (tmp_path / "secret.txt").write_text("1\n2\n")
    entry = {"name": "shopzoo-rules/deny-list", "ids": ["1"], "file": str(tmp_path / "secret.txt"), "missing": "ignore"}
    said = changed(ALS, "zoo.json", lambda plain: plain["model"].update(filters=[entry]))
    assert "deny-list.file names the file" in said


def test_tensors_are_measured_before_they_are_created():
    generator = torch.Generator().manual_seed(0)
    with LimitedTensors([torch.zeros(10)]):
        nn.GRU(8, 8)
        torch.randn(10, 3, generator=generator)
        for create in (
            lambda: nn.Embedding(10**9, 64),
            lambda: torch.arange(10**10),
            lambda: torch.zeros(2).new_ones(10**10),
            lambda: torch.randn(10**6, 10**3, generator=generator),
        ):
            with pytest.raises(
                ValueError, match=r"expected no tensor of more than 64 MiB for a state of this size, found"
            ):
                create()
