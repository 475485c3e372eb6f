"""An index of item vectors: which items it finds, that rules and filters hold, and that a hostile file of an index is an error."""

import shutil

import numpy as np
import pyarrow as pa
import pytest
import torch

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.manifest import NAME, ArtifactManifest, FileEntry, file_digest
from zoo.artifacts.retriever import ENTRY, INDEX
from zoo.artifacts.saving import load_artifact
from zoo.config.load import experiment_from
from zoo.data.task import load_task
from zoo.errors import ArtifactError
from zoo.pipeline import Pipeline
from zoo.pipeline.vector_index import IndexSettings, VectorIndex

pytest.importorskip("usearch", reason='an index needs usearch: pip install "shopzoo[ann]"')

SHOP = {"name": "synthetic-shop", "customers": 200, "items": 800, "events": 8000, "categories": 6, "brands": 12}
SETTINGS = IndexSettings()


@pytest.fixture(scope="module")
def task():
    return load_task(experiment())


def experiment(**model):
    """Return an experiment with a model whose scores are products."""
    models = [{"predictor": {"name": "als", "factors": 8}, **model}]
    return experiment_from({"data": {"source": SHOP}, "split": {"policy": "temporal", "cuts": [0.8]}, "model": models})


def fit(task, **model):
    """Return the artifact of a model."""
    return Artifact.of(Pipeline(experiment(**model).models[0]).fit(task), task)


@pytest.fixture(scope="module")
def exact(task):
    return fit(task)


@pytest.fixture(scope="module")
def indexed(exact):
    return exact.with_retriever()


@pytest.fixture(scope="module")
def saved(indexed, tmp_path_factory):
    return indexed.save(tmp_path_factory.mktemp("artifacts") / "indexed")


def items(lists):
    """Return the ids of each list."""
    return [[found.item_id for found in one] for one in lists]


def test_the_lists_of_an_index_are_nearly_the_exact_ones(exact, indexed):
    assert indexed.retriever.recall > 0.98
    assert (indexed.retriever.k, indexed.retriever.items) == (100, int(exact.pipeline.known.sum()))
    assert str(indexed.retriever).startswith(f"recall@100 {indexed.retriever.recall:.4f} against exact retrieval (")
    users = exact.user_ids.to_pylist()
    theirs, ours = exact.recommend(users, k=10), indexed.recommend(users, k=10)
    shared = [len({*a} & {*b}) / 10 for a, b in zip(items(theirs), items(ours), strict=True)]
    assert np.mean(shared) > 0.98
    scores = {(at, found.item_id): found.score for at, one in enumerate(theirs) for found in one}
    for at, one in enumerate(ours):
        assert [found.score or 0 for found in one] == sorted((found.score or 0 for found in one), reverse=True)
        for found in one:
            assert scores.get((at, found.item_id), found.score) == pytest.approx(found.score, abs=1e-6)


@pytest.mark.parametrize(("equal", "least"), [(True, 0.8), (False, 0.95)])
def test_products_are_ordered_as_by_brute_force(equal, least):
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(2001, 16)) * rng.lognormal(0, 0.3, (2001, 1))).astype(np.float32)
    vectors[0] = vectors[7] = 0
    queries = rng.normal(size=(50, 16)).astype(np.float32)
    index = VectorIndex.build(vectors, SETTINGS.model_copy(update={"equal_lengths": equal}))
    assert len(index) == 1999
    found = index.search(queries, 20)
    best = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :20]
    assert np.mean([len({*a} & {*b}) / 20 for a, b in zip(found, best, strict=True)]) > least
    assert not {0, 7} & {*found.ravel().tolist()}
    assert index.search(np.zeros((1, 16), np.float32), 5).shape == (1, 5)
    assert index.search(queries, 5000).shape == (50, 1999)
    with pytest.raises(
        ArtifactError, match=r"no index can be built: there is no item with a vector\. Fit the model again\."
    ):
        VectorIndex.build(np.zeros((3, 2), np.float32), SETTINGS)
    with pytest.raises(ArtifactError, match=r"a vector has a NaN or infinite number"):
        VectorIndex.build(np.full((3, 2), np.nan, np.float32), SETTINGS)


@pytest.mark.parametrize("k", [5, 60])
def test_exclusions_rules_and_filters_hold(task, exact, indexed, k):
    users = exact.user_ids.to_pylist()
    taken = {user: {*exact.catalogue.ids.take(_history(exact, at)).to_pylist()} for at, user in enumerate(users)}
    first = items(indexed.recommend(users, k=k))
    excluded = [one[0] for one in first[:20]]
    rows = exact.catalogue.table.to_pylist()
    categories = {exact.catalogue.ids[at].as_py(): row["category"] for at, row in enumerate(rows)}
    lists = indexed.recommend(users, k=k, exclude=excluded, where={"category": "coffee"})
    for user, one in zip(users, items(lists), strict=True):
        assert not {*one} & ({*excluded} | taken[user])
        assert {categories[item] for item in one} <= {"coffee"}
        assert len({*one}) == len(one)
    exact_lists = exact.recommend(users, k=k, exclude=excluded, where={"category": "coffee"})
    assert [len(one) for one in items(lists)] == [len(one) for one in items(exact_lists)]


def _history(artifact, at):
    log = artifact.histories
    return pa.array(log.items[log.offsets[at] : log.offsets[at + 1]])


def test_filters_of_the_model_hold(task):
    plain = fit(task, filters=["available"])
    indexed = plain.with_retriever()
    users = plain.user_ids.to_pylist()[:50]
    allowed = plain.pipeline.filters[0].first
    early = int(np.median(allowed[1:]))
    numbers = plain.item_numbers
    for one in items(indexed.recommend(users, k=20, now=early)):
        assert all(int(allowed[numbers[item]]) <= early for item in one)


def test_an_artifact_with_an_index_is_saved_and_loaded(indexed, saved):
    loaded = load_artifact(saved)
    assert loaded.retriever == indexed.retriever
    users = indexed.user_ids.to_pylist()
    assert items(loaded.recommend(users, k=10)) == items(indexed.recommend(users, k=10))
    assert {INDEX, ENTRY} <= {path.name for path in saved.iterdir()}


def test_a_predictor_without_products_is_refused(task):
    knn = Artifact.of(Pipeline(experiment(predictor="item-knn").models[0]).fit(task), task)
    with pytest.raises(
        ArtifactError, match=r"the scores of .*item-knn are no products of vectors, so there is no index"
    ):
        knn.with_retriever()
    with pytest.raises(ArtifactError, match=r"the scores of ItemKNN are no products of vectors, so there is no index"):
        knn.pipeline.predictor.item_vectors()


def test_a_predictor_whose_scores_are_not_its_products_is_refused(exact, monkeypatch):
    monkeypatch.setattr(type(exact.pipeline.predictor), "item_vectors", lambda self: self.items * 2)
    with pytest.raises(ArtifactError, match=r"declares that its scores are products of vectors, and they are not"):
        exact.with_retriever()


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def rewrite(folder, name, content):
    """Replace a file, and the manifest as somebody who wants it to be loaded would."""
    (folder / name).write_bytes(content)
    manifest = ArtifactManifest.of((folder / NAME).read_bytes(), NAME)
    entry = FileEntry(size=len(content), blake2b=file_digest(folder / name))
    (folder / NAME).write_text(manifest.model_copy(update={"files": {**manifest.files, name: entry}}).text())


def places(indexed):
    """Return where the header, the core, the levels and the nodes of the file begin."""
    n, width = len(indexed.pipeline.retrieval.retriever.index), 2 * 9
    header = 8 + n * width
    return {"matrix": 8, "header": header, "core": header + 64, "levels": header + 104, "nodes": header + 104 + 2 * n}


@pytest.mark.parametrize(("place", "shift", "value", "message"), [
    ("matrix", -8, b"\xff\xff\xff\x7f", "expected vectors of 18 bytes of at most"),
    ("matrix", 0, b"\x00\x7c", "expected finite vectors"),
    ("header", 0, b"x", "expected the header of an index"),
    ("header", 13, b"\x01", "expected the header of an index"),
    ("header", 17, b"\x01\x00", "expected the counts"),
    ("core", 0, b"\x01\x00", "expected the sizes of a graph"),
    ("core", 8, b"\xff\xff\xff\xff", "expected the sizes of a graph"),
    ("core", 32, b"\xff\xff\xff\xff", "expected the sizes of a graph"),
    ("levels", 0, b"\xff\x7f", "expected levels from 0 to 64"),
    ("levels", 0, b"\x05\x00", "expected the sizes of a graph|expected nodes of"),
    ("nodes", 0, b"\xff\xff\xff\xff\xff\xff\xff\xff", "expected keys from 1 to"),
    ("nodes", 8, b"\x07\x00", "expected the same levels in the nodes"),
    ("nodes", 10, b"\xff\xff\xff\xff", "expected at most 32 neighbours"),
    ("nodes", 14, b"\xff\xff\xff\xff", "expected neighbours among the nodes of level 0"),
])  # fmt: skip
def test_a_hostile_index_is_an_error(indexed, copy, place, shift, value, message):
    content = bytearray((copy / INDEX).read_bytes())
    at = places(indexed)[place] + shift
    content[at : at + len(value)] = value
    rewrite(copy, INDEX, bytes(content))
    with pytest.raises(ArtifactError, match=rf"retriever\.usearch is not a valid index: ({message})"):
        load_artifact(copy)


@pytest.mark.parametrize("content", [b"", b"usearch", bytes(8), bytes(100)])
def test_a_file_that_is_no_index_is_an_error(copy, content):
    rewrite(copy, INDEX, content)
    with pytest.raises(ArtifactError, match=r"retriever\.usearch is not a valid index: expected"):
        load_artifact(copy)


def test_every_cut_and_changed_byte_of_an_index_is_an_error_or_harmless(exact):
    vectors = exact.pipeline.predictor.items.numpy()
    content = VectorIndex.build(vectors, SETTINGS).content()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(content), 20):
        with pytest.raises(ValueError, match="expected"):
            VectorIndex.of_content(content[:at], SETTINGS, 8, len(vectors))
    queries = torch.randn(4, 8, generator=torch.Generator().manual_seed(0)).numpy()
    for at in rng.integers(0, len(content), 200):
        changed = bytearray(content)
        changed[at] ^= int(rng.integers(1, 256))
        try:
            index = VectorIndex.of_content(bytes(changed), SETTINGS, 8, len(vectors))
        except ValueError:
            continue
        found = index.search(queries, 50)
        assert found.min() >= 0
        assert found.max() < len(vectors)


def test_wrong_facts_and_other_files_are_errors(copy):
    rewrite(copy, ENTRY, b'{"name": "faiss"}')
    with pytest.raises(ArtifactError, match=r"retriever\.json: settings: missing"):
        load_artifact(copy)
    manifest = ArtifactManifest.of((copy / NAME).read_bytes(), NAME)
    (copy / ENTRY).unlink()
    left = {name: entry for name, entry in manifest.files.items() if name != ENTRY}
    (copy / NAME).write_text(manifest.model_copy(update={"files": left}).text())
    with pytest.raises(ArtifactError, match=r"has retriever\.usearch, which is no index of its predictor\. Save the"):
        load_artifact(copy)


def test_without_usearch_an_error_says_what_to_install(exact, saved, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "usearch.index", None)
    for call in (exact.with_retriever, lambda: load_artifact(saved)):
        with pytest.raises(ArtifactError, match=r'an index needs usearch, .* pip install "shopzoo\[ann\]"\.'):
            call()
