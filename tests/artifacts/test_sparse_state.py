"""States that hold sparse matrices: saved as one tensor, checked when they are read, and read in the forms before that."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from zoo.artifacts.manifest import add_checksum, file_digest
from zoo.artifacts.saving import load_artifact, save_artifact
from zoo.artifacts.stages import refuse_foreign
from zoo.errors import ArtifactError
from zoo.pipeline import Rules
from zoo.stages.stage import State

BEFORE = Path(__file__).parents[1] / "fixtures" / "artifacts"
"""Artifacts of `SHOP` in whose states each sparse matrix is several tensors, with the lists that their pipelines gave."""
SPARSE = {"graph": "graph", "whole": "vectors", "sasrec": "features"}
"""The sparse tensor of each one's predictor, by the artifact's name."""


def damage(folder, name, change):
    """Change the tensors of a file, and make the manifest agree with it."""
    tensors = load_file(folder / name)
    change(tensors)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / name)
    plain = json.loads((folder / "zoo.json").read_text())
    plain.pop("checksum")
    plain["files"][name] = {
        "size": (folder / name).stat().st_size,
        "blake2b": file_digest(folder / name),
        "tensors": {
            key: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape)} for key, t in tensors.items()
        },
    }
    (folder / "zoo.json").write_text(add_checksum(plain))


def put(name, at, value):
    """Return a change of one number."""

    def change(tensors):
        tensors[name][at] = value

    return change


@pytest.mark.parametrize("name", SPARSE)
def test_an_artifact_of_the_form_before_answers_as_it_did_and_is_saved_in_the_new_form(shop, tmp_path, name):
    artifact, expected = load_artifact(BEFORE / name), load_file(BEFORE / f"{name}-lists.safetensors")
    save_artifact(artifact, tmp_path / "again")
    assert f"{SPARSE[name]}@csr.values" in load_file(tmp_path / "again" / "predictor.safetensors")
    for loaded in (artifact, load_artifact(tmp_path / "again")):
        found = loaded.pipeline.recommend(shop.queries("test"), 10, Rules(shop.eligible, shop.exclude_seen))
        torch.testing.assert_close(found.scores, expected["scores"])
        assert (found.items == expected["items"]).float().mean() > 0.99  # rounding may swap items on another CPU


@pytest.mark.parametrize(
    ("name", "file", "change", "message"),
    [
        ("graph", "predictor.safetensors", put("items", 0, 10**6), "columns: expected 0 to 60, found"),
        ("graph", "filter-1.safetensors", put("values", 0, -1), "columns: expected 0 to 5, found -1 to"),
        ("whole", "predictor.safetensors", put("offsets", 3, 2**31 - 1), "offsets: expected them never to fall"),
        ("whole", "candidate-features.safetensors", put("members-0", (0, 0), 10**6), "axis 0 index 1000000 exceeds"),
        ("sasrec", "predictor.safetensors", put("features.columns", 5, 2**40), "columns: expected 0 to"),
    ],
)
def test_a_damaged_artifact_of_the_form_before_is_refused(tmp_path, name, file, change, message):
    folder = shutil.copytree(BEFORE / name, tmp_path / "copy")
    damage(folder, file, change)
    with pytest.raises(ArtifactError, match=rf"cannot load its saved state \(ValueError: .*{message}"):
        load_artifact(folder)


def test_damaged_item_features_of_the_form_before_are_refused(tmp_path):
    folder = shutil.copytree(BEFORE / "whole", tmp_path / "copy")
    damage(folder, "features.safetensors", put("columns", 0, 2**31 - 1))
    with pytest.raises(ArtifactError, match=r"copy/features\.safetensors: columns: expected 0 to \d+, found"):
        load_artifact(folder)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("predictor", put("vectors@csr.columns", 0, 2**31 - 1), "sparse tensor 'vectors': columns: expected 0 to"),
        (
            "predictor",
            put("vectors@csr.offsets", 0, 1),
            "sparse tensor 'vectors': offsets: expected them to go from 0 to",
        ),
        ("predictor", put("vectors@csr.shape", 1, -4), "sparse tensor 'vectors': shape: expected two numbers"),
        ("predictor", lambda t: t.pop("vectors@csr.shape"), "sparse tensor 'vectors': parts: expected values, columns"),
        ("features", put("values@csr.columns", 2, -1), "sparse tensor 'values': columns: expected 0 to"),
    ],
)
def test_a_damaged_sparse_tensor_is_refused_before_it_is_used(copy, file, change, message):
    damage(copy, f"{file}.safetensors", change)
    with pytest.raises(ArtifactError) as error:
        load_artifact(copy)
    assert str(error.value).startswith(f"{copy}/{file}.safetensors: {message}")
    assert str(error.value).endswith(". Save the artifact again.")


def test_members_of_another_shape_than_the_table_are_refused(copy):
    damage(copy, "candidate-features.safetensors", put("members-0@csr.shape", 1, 99))
    with pytest.raises(ArtifactError, match=r"ValueError: members of 'category': expected \[61, 6\], found \[61, 99\]"):
        load_artifact(copy)


@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csc"])
def test_a_tensor_in_another_layout_is_refused_when_it_is_saved(layout):
    tensor = getattr(torch.eye(2), layout)()
    with pytest.raises(ArtifactError, match=r"predictor: Model\.weights is a tensor of 2 axes in the layout sparse_"):
        refuse_foreign(State({"weights": tensor}, {}), "predictor", "Model")


def test_a_name_that_marks_a_part_is_refused_when_it_is_saved():
    with pytest.raises(ArtifactError, match=r"Model\.a@csr\.b has '@csr\.' in its name"):
        refuse_foreign(State({"a@csr.b": torch.ones(1)}, {}), "predictor", "Model")
