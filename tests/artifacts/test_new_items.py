"""Items that come after the fit are scored by what is known of them."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import torch

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.saving import load_artifact, save_artifact
from zoo.config.load import experiment_from
from zoo.data.task import load_task
from zoo.errors import ArtifactError, DataError
from zoo.pipeline import Pipeline

N_NEW = 15
TF_IDF = {"name": "tf-idf", "columns": ["title"]}
KNN = {"label": "knn", "predictor": "content-knn", "featurizer": [TF_IDF]}
DENSE = {
    "label": "dense",
    "predictor": "content-knn",
    "featurizer": [{"name": "tf-idf", "columns": ["title"], "svd": 7}],
}
SASREC = {"name": "sasrec", "dim": 16, "length": 10, "blocks": 1}
CONTENT = {"label": "content", "predictor": {**SASREC, "ids": False}, "featurizer": [TF_IDF]}
BOTH = {"label": "both", "predictor": SASREC, "featurizer": [TF_IDF, {"name": "tabular", "columns": ["category"]}]}
WHOLE = {
    "label": "whole", "predictor": "content-knn", "featurizer": [TF_IDF], "rankers": ["mmr"],
    "filters": [{"name": "category", "column": "category", "like_last": 3}, "available"],
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the tables of a shop: events, items, and the items that nobody took."""
    rng, folder = np.random.default_rng(5), tmp_path_factory.mktemp("shop")
    words, n = ["red", "blue", "wool", "silk", "hat", "scarf", "lamp", "mug"], 60
    ids = [f"p{i}" for i in range(n)]
    titles = [" ".join(rng.choice(words, rng.integers(2, 5))) for _ in ids]
    items = pa.table({
        "item_id": ids, "title": titles, "category": [str(c) for c in rng.choice(["a", "b", "c"], n)],
        "in_stock": [bool(b) for b in rng.random(n) < 0.7],
    })  # fmt: skip
    events = pa.table({
        "user_id": [f"u{u}" for u in rng.integers(0, 40, 900)],
        "item_id": [ids[i] for i in rng.integers(N_NEW, n, 900)],
        "timestamp": pa.array(np.sort(rng.integers(0, 10**9, 900)) + 1_600_000_000_000),
    })  # fmt: skip
    for name, table in (("events", events), ("items", items), ("old", items[N_NEW:]), ("new", items[:N_NEW])):
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def fitted(files, items, model, folder=None):
    """Return the artifact of a model on the shop with some items."""
    source = {"name": "files", "interactions": str(files / "events.parquet"), "items": str(files / f"{items}.parquet")}
    experiment = experiment_from({
        "data": {"source": source}, "split": {"policy": "temporal", "cuts": [0.8]},
        "train": {"max_epochs": 2}, "model": [model],
    })  # fmt: skip
    task = load_task(experiment)
    pipeline = Pipeline(experiment.models[0]).fit(task)
    return Artifact.of(pipeline, task)


def scores(artifact, history):
    """Return the score of each item by its id, as the predictor gives them."""
    table = pa.table({"history": [history]})
    k = len(artifact.catalogue) - 1
    lists = artifact.to_items(artifact.lists(table, k))
    return {item.item_id: item.score for item in lists[0]}


HISTORY = ["p20", "p31", "p47"]


@pytest.mark.parametrize("model", [KNN, DENSE, CONTENT, BOTH], ids=lambda m: m["label"])
def test_old_items_keep_their_scores_and_new_ones_get_some(files, model):
    before = fitted(files, "old", model)
    after = before.with_items(files / "new.parquet")
    was, now = scores(before, HISTORY), scores(after, HISTORY)
    # a dense product rounds differently where it ends, so that a larger one may differ in the last digit
    assert {item: now[item] for item in was} == (was if model is KNN else pytest.approx(was, abs=1e-6))
    assert set(now) - set(was) == {f"p{i}" for i in range(N_NEW)}
    assert scores(before, HISTORY) == was  # what grew is a copy
    assert len(before.catalogue) + N_NEW == len(after.catalogue)


@pytest.mark.parametrize("model", [KNN, DENSE], ids=lambda m: m["label"])
def test_content_knn_scores_new_items_as_if_they_had_been_there(files, model):
    whole, grown = fitted(files, "items", model), fitted(files, "old", model).with_items(files / "new.parquet")
    for history in (HISTORY, [*HISTORY, "p3"]):  # p3 is new
        expected = scores(whole, history)
        assert scores(grown, history) == (expected if model is KNN else pytest.approx(expected, abs=1e-6))
    assert scores(grown, HISTORY) != scores(grown, [*HISTORY, "p3"])


def test_a_network_scores_new_items_as_its_weights_score_a_whole_catalogue(files):
    artifact, whole = fitted(files, "old", CONTENT), fitted(files, "items", CONTENT)
    grown = artifact.with_items(files / "new.parquet")
    # the trained weights of the one, the numbering and the features of the other
    mixed, trained = whole.pipeline.predictor.network, artifact.pipeline.predictor.network
    for name, tensor in trained.state_dict().items():
        if not name.endswith(("known", "popularity")):
            mixed.state_dict()[name].copy_(tensor)
    mixed.items.train(mode=False)
    expected, found = scores(whole, HISTORY), scores(grown, HISTORY)
    assert found == pytest.approx(expected, abs=1e-6)
    new = [f"p{i}" for i in range(N_NEW)]
    assert len({found[item] for item in new}) > N_NEW // 2
    assert set(scores(grown, [])) == {*found, *HISTORY} - set(new)  # the fallback has no new items


def test_a_grown_network_is_saved_and_loaded(files, tmp_path):
    grown = fitted(files, "old", BOTH).with_items(files / "new.parquet")
    save_artifact(grown, tmp_path / "grown")
    assert scores(load_artifact(tmp_path / "grown"), HISTORY) == scores(grown, HISTORY)
    assert grown.pipeline.predictor.sizes.n_items == len(grown.catalogue) - 1


def test_filters_and_rankers_take_part(files):
    whole, grown = fitted(files, "items", WHOLE), fitted(files, "old", WHOLE).with_items(files / "new.parquet")
    for history in (HISTORY, ["p1", "p2", "p3"]):
        found = grown.recommend(history=history, k=12)
        assert {i.item_id for i in found} & {f"p{i}" for i in range(N_NEW)}
        assert found == whole.recommend(history=history, k=12)
    categories = dict(
        zip(
            *(pq.read_table(files / "items.parquet").column(c).to_pylist() for c in ("item_id", "category")),
            strict=True,
        )
    )
    assert {categories[i.item_id] for i in grown.recommend(history=["p1"], k=40)} == {categories["p1"]}
    out = [r["item_id"] for r in pq.read_table(files / "new.parquet").to_pylist() if not r["in_stock"]]
    assert out
    assert not set(out) & set(scores(grown, HISTORY))


def test_new_items_are_listed_with_their_titles_and_come_from_tables_and_files_alike(files, tmp_path):
    artifact, table = fitted(files, "old", KNN), pq.read_table(files / "new.parquet")
    pyarrow.csv.write_csv(table, tmp_path / "new.csv")
    grown = artifact.with_items(table)
    titles = dict(zip(table.column("item_id").to_pylist(), table.column("title").to_pylist(), strict=True))
    listed = {i.item_id: i.title for i in grown.recommend(history=HISTORY, k=60)}
    assert {i: title for i, title in listed.items() if i in titles} == titles
    shuffled = table.take(np.random.default_rng(0).permutation(N_NEW))
    for source in (tmp_path / "new.csv", str(tmp_path / "new.csv"), shuffled):
        assert artifact.with_items(source).recommend(history=HISTORY, k=60) == grown.recommend(history=HISTORY, k=60)


def test_more_items_may_follow(files):
    artifact, table = fitted(files, "old", KNN), pq.read_table(files / "new.parquet")
    assert scores(artifact.with_items(table[:4]).with_items(table[4:]), HISTORY) == scores(
        artifact.with_items(table), HISTORY
    )


def refused(artifact, items, kind=DataError):
    with pytest.raises(kind) as caught:
        artifact.with_items(items)
    return str(caught.value)


def test_items_that_cannot_be_taken_are_refused(files, tmp_path):
    artifact = fitted(files, "old", KNN)
    place = tmp_path / "new.csv"
    place.write_text("item_id,title\nx,a hat\np20,a lamp\n")
    assert refused(artifact, place) == (
        f"{place}, row 2: item_id 'p20' is already an item of the artifact, expected new items only. Remove the row."
    )
    place.write_text("item_id,title\nx,a hat\n,a lamp\n")
    assert refused(artifact, place) == f"{place}, row 2: item_id is empty, expected an id. Mend the row."
    assert refused(artifact, pa.table({"item_id": ["x", "x"], "title": ["a", "b"]})) == (
        "new items, row 2: item_id 'x' occurs already in new items, row 1, expected each item once. Remove one of the rows."
    )
    assert refused(artifact, pa.table({"item_ids": ["x"], "title": ["a"]})) == (
        "new items: no column 'item_id'. Did you mean 'item_ids'? Its columns: item_ids, title. "
        "Use the canonical column names of the training items."
    )
    assert refused(artifact, pa.table({"item_id": ["x"], "titel": ["a"]})) == (
        "new items: the catalogue has no column 'title'. Did you mean 'titel'? Its columns: titel. The fitted model reads this: "
        "give new items the columns that the items of training had, of the same type."
    )
    assert refused(artifact, tmp_path / "none.csv").startswith(f"{tmp_path / 'none.csv'}: the file does not exist.")


def test_a_model_that_scores_no_new_item_says_which_would(files):
    message = refused(fitted(files, "old", {"label": "sas", "predictor": SASREC}), files / "new.parquet", ArtifactError)
    assert message == (
        "sas: new items are scored by their features, and sasrec has no `featurizer`. Fit the model with one."
    )
    message = refused(fitted(files, "old", {"predictor": "popular"}), files / "new.parquet", ArtifactError)
    assert message.endswith(
        "popular takes no item features. Fit a predictor that does, such as content-knn with tf-idf."
    )
    behind = {**KNN, "filters": [{"name": "user-item-mf", "n": 5}]}
    assert refused(fitted(files, "old", behind), files / "new.parquet", ArtifactError) == (
        "knn: the filter user-item-mf knows the items of training only. Fit the model without it, or again with the new items."
    )


@pytest.mark.parametrize("model", [KNN, DENSE, BOTH], ids=lambda m: m["label"])
def test_features_of_another_width_are_refused(files, model, monkeypatch):
    artifact = fitted(files, "old", model)
    featurizer = artifact.pipeline.featurizers[0]
    made = featurizer.transform

    def wider(catalogue):
        features = made(catalogue)
        dense = torch.from_numpy(features.sparse().toarray())
        more = torch.cat([dense, dense[:, :1]], 1)
        return type(features)(more.to_sparse_csr() if features.is_sparse else more, (*features.names, "more"))

    monkeypatch.setattr(featurizer, "transform", wider)
    assert refused(artifact, files / "new.parquet", ArtifactError).endswith(
        "the featurizer has changed since the fit. Fit the model again with the installed version."
    )


def test_a_stage_that_adds_items_in_place_leaves_the_first_artifact_as_it_was(files, monkeypatch):
    first = fitted(files, "old", KNN)
    predictor = first.pipeline.predictor

    def add_items(self, features):
        for tensor in self.state().tensors.values():
            (tensor.values() if tensor.layout == torch.sparse_csr else tensor).zero_()

    monkeypatch.setattr(type(predictor), "add_items", add_items)
    before = predictor.state().copy().tensors
    first.with_items(files / "new.parquet")
    after = predictor.state().tensors
    assert before
    assert all(torch.equal(before[name].to_dense(), after[name].to_dense()) for name in before)
