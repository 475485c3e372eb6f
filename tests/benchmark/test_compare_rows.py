"""Two models compared query by query: against loops over the stored lists, and every refusal with its sentence."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.benchmark.results_folder.store import Store
from zoo.errors import ResultsError

SHOP = {"name": "synthetic-shop", "customers": 150, "items": 80}


def experiment(*models, **sections):
    return {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
        "evaluate": {"metrics": ["ndcg@5", "recall@5", "coverage@5"], "bootstrap": 100},
        "train": {"seeds": [0, 1, 2]},
        "references": False,
        "model": [{"predictor": m} if isinstance(m, str) else m for m in models],
        **sections,
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return a folder with deterministic models and one that depends on a seed."""
    folder = tmp_path_factory.mktemp("compare") / "shop"
    zoo.bench(experiment("popular", "transition-graph", "random"), folder)
    return folder


@pytest.fixture
def copy(shop, tmp_path):
    """Return a copy of the folder, to be changed."""
    shutil.copytree(shop, tmp_path / "copy")
    return tmp_path / "copy"


def values(folder, label, metric="ndcg@5"):
    """Return the stored values of a model's queries, one list for each seed."""
    store = Store(folder)
    return [store.lists(row)[metric].to_pylist() for row in store.rows() if row.label == label]


def test_the_difference_counts_and_means_are_those_of_a_loop(shop):
    found = zoo.compare("popular", "transition-graph", folder=shop)
    (a,), (b,) = values(shop, "popular"), values(shop, "transition-graph")
    pairs = list(zip(a, b, strict=True))
    assert found.metric == "ndcg@5"
    assert found.whole.queries == len(pairs) > 50
    assert found.whole.difference == pytest.approx(sum(y - x for x, y in pairs) / len(pairs))
    assert found.whole.first == pytest.approx(sum(a) / len(a))
    assert found.whole.better == sum(y > x for x, y in pairs) > 0
    assert found.whole.worse == sum(y < x for x, y in pairs)
    assert found.whole.equal == sum(y == x for x, y in pairs)
    assert found.whole.low < found.whole.difference < found.whole.high


def test_seeds_are_averaged_query_by_query(shop):
    found = zoo.compare(f"{shop}:random", "popular", metric="recall@5")
    a, (b,) = values(shop, "random", "recall@5"), values(shop, "popular", "recall@5")
    means = [sum(run[at] for run in a) / 3 for at in range(len(b))]
    assert len(a) == 3
    assert found.whole.difference == pytest.approx(float(np.mean([y - x for x, y in zip(means, b, strict=True)])))
    assert found.whole.better == sum(y - x > 1e-9 for x, y in zip(means, b, strict=True))
    assert found.notes == []  # three seeds
    (seeds,) = [d for d in found.differences if d.what == "seed"]
    assert (seeds.first, seeds.second) == ("0, 1, 2", "none")


def test_the_slices_have_the_differences_of_their_queries(shop):
    found = zoo.compare("popular", "transition-graph", folder=shop)
    task = zoo.load_task(zoo.load_experiment(_file(shop)))
    lengths = task.queries("test").lengths
    (a,), (b,) = (np.array(values(shop, label)) for label in ("popular", "transition-graph"))
    ranges = {"1 to 4 events": (1, 5), "5 to 9 events": (5, 10), "50 events or more": (50, np.inf)}
    tested = [each for each in found.slices if each.name == "history" and each.value in ranges]
    assert tested
    for each in tested:
        low, high = ranges[each.value]
        chosen = (lengths >= low) & (lengths < high)
        assert each.queries == chosen.sum()
        assert each.difference == pytest.approx((b - a)[chosen].mean())
        assert each.better == ((b - a)[chosen] > 0).sum()
    by_name = {each.name for each in found.slices}
    assert all(sum(each.queries for each in found.slices if each.name == n) == found.whole.queries for n in by_name)
    assert found.to_arrow()["queries"].to_pylist() == [each.queries for each in (found.whole, *found.slices)]


def _file(folder):
    """Write the experiment of the tests as a file and return it."""
    file = folder.parent / "shop.toml"
    file.write_text(
        'split = { policy = "temporal", cuts = [0.7, 0.8] }\n'
        '[data]\nsource = { name = "synthetic-shop", customers = 150, items = 80 }\n[[model]]\npredictor = "popular"\n'
    )
    return file


def test_what_differs_between_two_folders_comes_first(shop, tmp_path):
    zoo.bench(
        experiment({"label": "popular", "predictor": {"name": "popular", "half_life": 30.0}}, evaluate={
            "metrics": ["recall@5", "ndcg@5"], "bootstrap": 100, "fallback": "none"}),
        tmp_path / "other",
    )  # fmt: skip
    found = zoo.compare(f"{shop}:popular", str(tmp_path / "other"))
    differences = {d.what: (d.first, d.second) for d in found.differences}
    assert differences["predictor.half_life"] == ("not set", "30.0")
    assert differences["evaluate.fallback"] == ("popular", "none")
    assert (found.first, found.second) == (f"{shop}:popular", f"{tmp_path / 'other'}:popular")
    lines = repr(found).splitlines()
    assert lines[2] == "What differs (queries and targets are the same):"
    assert lines.index(next(line for line in lines if "half_life" in line)) < lines.index(
        next(line for line in lines if line.startswith("ndcg@5: "))
    )


def test_other_versions_machine_and_threads_are_named(copy, shop):
    row = next(row for row in Store(copy).rows() if row.label == "popular")
    file = copy / "runs" / f"{row.key}.json"
    content = json.loads(file.read_text())
    content["versions"]["torch"], content["machine"]["processor"] = "0.1", "An older one"
    file.write_text(json.dumps(content))
    found = zoo.compare(f"{shop}:popular", f"{copy}:popular")
    assert {d.what: d.second for d in found.differences} == {
        "version of torch": "0.1",
        "machine.processor": "An older one",
    }
    assert found.whole.equal == found.whole.queries
    assert (found.whole.difference, found.whole.significant) == (0, False)


def test_the_same_run_twice_has_nothing_that_differs(shop):
    found = zoo.compare(f"{shop}:popular", f"{shop}:popular")
    assert found.differences == []
    assert "Nothing differs between them" in repr(found)


def test_a_model_with_one_seed_is_compared_and_said_to_be_one_run(tmp_path):
    zoo.bench(experiment("random", "popular", train={"seeds": [3]}), tmp_path / "one")
    found = zoo.compare("random", "popular", folder=tmp_path / "one")
    (note,) = found.notes
    assert note.startswith(
        "random depends on a seed and ran with 1: the interval is about these runs, not about the model."
    )


def test_a_folder_whose_data_are_gone_is_compared_without_slices(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["experiment"]["data"]["source"] = {"name": "shopzoo/frame"}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    found = zoo.compare("popular", "transition-graph", folder=copy)
    assert found.slices == []
    assert found.notes == [
        f"No slices: the data of {copy} cannot be read. {copy}: its data were data frames of a Python process, which are gone. "
        "Write them to Parquet files and benchmark these, to be able to read them again."
    ]


def test_judged_lists_are_compared_too(tmp_path):
    import pyarrow as pa

    rng = np.random.default_rng(0)
    query = np.repeat(np.arange(60), 5)
    table = {
        "query_id": query,
        "label": rng.integers(0, 3, 300),
        "x": rng.normal(size=300),
        "y": rng.normal(size=300),
        "part": query // 10,
    }
    pq.write_table(pa.table(table), tmp_path / "judged.parquet")
    models = [{"label": name, "rankers": [{"name": "borda", "columns": [name]}]} for name in ("x", "y")]
    zoo.bench({
        "task": "rank", "data": {"source": {"name": "files", "interactions": str(tmp_path / "judged.parquet")}, "features": ["x", "y"]},
        "split": {"policy": "folds", "column": "part"}, "evaluate": {"metrics": ["ndcg@5"], "empty": "zero"}, "model": models,
    }, tmp_path / "rank")  # fmt: skip
    found = zoo.compare("x", "y", folder=tmp_path / "rank")
    (a,), (b,) = values(tmp_path / "rank", "x"), values(tmp_path / "rank", "y")
    assert found.whole.better == sum(y > x for x, y in zip(a, b, strict=True)) > 0
    assert (found.slices, found.notes) == ([], [])
    (tmp_path / "theirs.parquet").write_bytes(b"")
    with pytest.raises(
        ResultsError, match='rank cannot judge lists: expected an experiment that recommends, found task = "rank"'
    ):
        zoo.compare(f"{tmp_path / 'rank'}:x", tmp_path / "theirs.parquet")


REFUSED = [
    (("popular", "poplar"), {}, r"'popular' is no results folder, no file, and not FOLDER:LABEL\. Name the folder of the label: FOLDER:popular, or --folder FOLDER"),
    (("{shop}:poplar", "random"), {}, r"{shop} has no 'poplar'\. Did you mean 'popular'\? It has: popular, transition-graph, random\."),
    (("{shop}", "{shop}:random"), {}, r"{shop} has 3 models \(popular, transition-graph, random\): name one, {shop}:popular\."),
    (("{shop}:popular", "random"), {"metric": "ndcg@50"}, r"ndcg@50 is not measured in {shop}\. Did you mean 'ndcg@5'\? It has: ndcg@5, recall@5, coverage@5\."),
    (("{shop}:popular", "random"), {"metric": "coverage@5"}, r"coverage@5 is a value of all lists together, and has none for a single query, so there is no paired difference\. Choose one of ndcg@5, recall@5\."),
    (("{shop}:popular", "theirs.parquet"), {}, r"theirs\.parquet: there is no such file\."),
    (("{shop}:popular", "runs/no"), {}, r"runs/no: there is no such folder or file\."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sides", "more", "sentence"), REFUSED, ids=[sides[1] + str(more) for sides, more, _ in REFUSED]
)
def test_what_cannot_be_compared_is_a_sentence(shop, sides, more, sentence):
    with pytest.raises(ResultsError, match=sentence.format(shop=shop)):
        zoo.compare(*(side.format(shop=shop) for side in sides), **more)


@pytest.mark.parametrize(("section", "differ"), [
    ({"split": {"policy": "temporal", "cuts": [0.7, 0.85]}}, r"split\.cuts, split\.parts"),
    ({"data": {"source": {**SHOP, "seed": 1}}}, "data"),
    ({"evaluate": {"metrics": ["ndcg@5"], "exclude_seen": False}}, r"evaluate\.exclude_seen"),
], ids=["split", "data", "rules"])  # fmt: skip
def test_other_queries_are_refused(shop, tmp_path, section, differ):
    zoo.bench(experiment("popular", **section), tmp_path / "other")
    with pytest.raises(
        ResultsError,
        match=rf"were measured on other queries or targets: they differ in .*{differ}.*A paired difference needs",
    ):
        zoo.compare(f"{shop}:popular", tmp_path / "other")


def test_a_metric_with_two_definitions_is_refused(shop, copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (recall,) = [metric for metric in manifest["description"]["metrics"] if metric["name"] == "shopzoo/recall"]
    recall["normalise"] = "min"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ResultsError, match=r"recall@5 is defined in two ways: .*'targets'.*'min'"):
        zoo.compare(f"{shop}:popular", f"{copy}:popular", metric="recall@5")


def test_a_model_that_failed_is_refused(copy):
    row = next(row for row in Store(copy).rows() if row.label == "transition-graph")
    file = copy / "runs" / f"{row.key}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "error": "no luck"}))
    with pytest.raises(ResultsError, match=r"transition-graph in .* failed, so there is nothing to compare: no luck"):
        zoo.compare("popular", "transition-graph", folder=copy)


def test_a_row_without_lists_is_refused(copy):
    row = next(row for row in Store(copy).rows() if row.label == "popular")
    (copy / "runs" / f"{row.key}.parquet").unlink()
    with pytest.raises(ResultsError, match=r"popular in .* has no lists in `runs/`\. Run the experiment again\."):
        zoo.compare("popular", "random", folder=copy)


def test_lists_of_other_queries_are_refused(copy, shop):
    row = next(row for row in Store(copy).rows() if row.label == "popular")
    file = copy / "runs" / f"{row.key}.parquet"
    pq.write_table(pq.read_table(file).slice(1), file)
    with pytest.raises(ResultsError, match="have lists for other queries, although their tasks agree"):
        zoo.compare(f"{shop}:popular", f"{copy}:popular")


def test_two_files_are_refused(tmp_path):
    for name in ("a.parquet", "b.parquet"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(
        ResultsError, match=r"are two files of lists, and a file is judged by the task of a results folder"
    ):
        zoo.compare(tmp_path / "a.parquet", tmp_path / "b.parquet")


def test_a_file_of_lists_is_judged_by_the_task_of_the_folder(shop, tmp_path):
    store = Store(shop)
    row = next(row for row in store.rows() if row.label == "transition-graph")
    pq.write_table(store.lists(row).select(["user_id", "items"]), tmp_path / "theirs.parquet")
    found = zoo.compare(f"{shop}:popular", tmp_path / "theirs.parquet")
    own = zoo.compare("popular", "transition-graph", folder=shop)
    assert found.second == "theirs"
    assert (found.whole, found.slices) == (own.whole, own.slices)
    assert ("model", f"lists of {tmp_path / 'theirs.parquet'}") in [(d.what, d.second) for d in found.differences]
    assert "settings from" not in [d.what for d in found.differences]


def test_numbers_have_four_digits_unless_they_would_look_equal(copy):
    store = Store(copy)
    values = {"popular": 98.42929080120119, "transition-graph": 98.4292908}
    for row in store.rows():
        file = copy / "runs" / f"{row.key}.json"
        if row.label in values:
            content = json.loads(file.read_text())
            content["model"]["predictor"] = {"name": "own/knn", "shrinkage": values[row.label]}
            file.write_text(json.dumps(content))
    found = zoo.compare("popular", "transition-graph", folder=copy)
    assert [(d.first, d.second) for d in found.differences if d.what == "predictor.shrinkage"] == [
        ("98.42929080120119", "98.4292908")
    ]
    (models,) = [d for d in zoo.compare("popular", "random", folder=copy).differences if d.what == "model"]
    assert models.first == "knn(shrinkage=98.43)"
