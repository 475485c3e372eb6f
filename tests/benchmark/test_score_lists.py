"""Lists of another program: judged as those of a model, with every oddity counted, and refused with the row where they cannot be read."""

import json
import math
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.benchmark.lists.remove_lists import remove_lists
from zoo.benchmark.results_folder.export import export
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.tables.comparison_tables import main_table
from zoo.config.load import experiment_from
from zoo.errors import ConfigError, DataError, ResultsError
from zoo.html_report.leaderboard import leaderboard
from zoo.html_report.measured import MeasuredBenchmark

SHOP = {"name": "synthetic-shop", "customers": 150, "items": 80}
EXPERIMENT = {
    "data": {"source": SHOP},
    "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
    "evaluate": {"metrics": ["ndcg@5", "hit@3", "coverage@5", "novelty@5"], "bootstrap": 100},
    "references": False,
    "model": [{"predictor": "popular"}, {"predictor": "transition-graph"}],
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Return a folder of results of models."""
    return zoo.bench(EXPERIMENT, tmp_path_factory.mktemp("score") / "shop").folder


@pytest.fixture
def folder(bench, tmp_path):
    """Return a copy of the folder, to be changed."""
    shutil.copytree(bench, tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture(scope="module")
def task():
    """Return the task that the lists answer."""
    return zoo.load_task(experiment_from(EXPERIMENT))


def lists_of(folder, label):
    """Return the user and item columns of a model's lists."""
    store = Store(folder)
    return store.lists(next(row for row in store.rows() if row.label == label)).select(["user_id", "items"])


def written(tmp_path, table, name="theirs.parquet"):
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), tmp_path / name)
    return tmp_path / name


def external(result, label="theirs"):
    (row,) = [row for row in result.rows() if row.label == label]
    return row


@pytest.mark.parametrize("form", ["lists", "scores", "ranks", "frame", "csv", "jsonl"])
def test_the_lists_of_a_model_get_the_figures_of_the_model(folder, tmp_path, form):
    table = lists_of(folder, "transition-graph")
    frame = table.to_pandas()
    long = frame.explode("items").rename(columns={"items": "item_id"})
    places = long.groupby("user_id", sort=False).cumcount()
    shuffled = np.random.default_rng(0).permutation(len(long))
    if form == "lists":
        lists = written(tmp_path, table.take(pa.array(np.random.default_rng(0).permutation(len(table)))))
    elif form == "scores":
        lists = written(
            tmp_path, pa.Table.from_pandas(long.assign(score=-0.5 * places).iloc[shuffled], preserve_index=False)
        )
    elif form == "ranks":
        lists = written(
            tmp_path, pa.Table.from_pandas(long.assign(rank=places + 1, score=0.0).iloc[shuffled], preserve_index=False)
        )
    elif form == "frame":
        lists = frame
    elif form == "csv":
        frame.assign(items=[",".join(items) for items in frame["items"]]).to_csv(tmp_path / "theirs.csv", index=False)
        lists = tmp_path / "theirs.csv"
    else:
        (tmp_path / "theirs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
        lists = tmp_path / "theirs.jsonl"
    result = zoo.score(lists, EXPERIMENT, label="theirs", out=folder)
    rows = {row.label: row for row in result.rows()}
    assert list(rows) == ["popular", "transition-graph", "theirs"]
    assert rows["theirs"].metrics == rows["transition-graph"].metrics
    assert rows["theirs"].queries == rows["transition-graph"].queries
    assert rows["theirs"].external["lists"] == len(table)
    short = sum(len(items) < 5 for items in table["items"].to_pylist())  # a user who has seen nearly everything
    assert rows["theirs"].external.get("short lists", 0) == short
    assert len(rows["theirs"].notes) == (short > 0)


def test_every_miss_is_counted_and_the_figures_are_those_of_a_loop(folder, tmp_path, task):
    """Unknown, seen and repeated items stay in their slots, short lists lack theirs, and users without a list have five misses."""
    rows = lists_of(folder, "transition-graph").to_pylist()
    queries, ids = task.queries("test"), task.catalogue.ids.to_pylist()
    history = {
        task.user_ids[int(queries.row[at])].as_py(): {ids[i] for i in queries[at : at + 1].histories.items}
        for at in range(len(queries))
    }
    rows = [row for row in rows if len(row["items"]) == 5] + [row for row in rows if len(row["items"]) < 5]
    short = sum(len(row["items"]) < 5 for row in rows)
    first = rows[0]["items"]
    rows[0]["items"] = ["no such item", *first[:4]]
    rows[1]["items"] = [rows[1]["items"][0], *rows[1]["items"][:4]]
    rows[2]["items"] = [sorted(history[rows[2]["user_id"]])[0], *rows[2]["items"][:4]]
    rows[3]["items"] = rows[3]["items"][:2]
    rows[4]["items"] = rows[4]["items"] + ["beyond the cutoff", "of every metric"]
    lost = rows.pop(5)
    rows.append({"user_id": "nobody", "items": first})
    other = sorted(set(task.user_ids.to_pylist()) - set(history))
    rows += [{"user_id": other[0], "items": first}] if other else []
    file = written(tmp_path, pa.Table.from_pylist(rows))
    row = external(zoo.score(file, EXPERIMENT, out=folder))
    counts = {key: value for key, value in row.external.items() if key not in ("file", "lists")}
    assert counts == {
        "unknown items": 1, "repeated items": 1, "seen items": 1, "short lists": 1 + short, "lists of unknown users": 1, "queries without a list": 1,
        **({"lists without a test query": 1} if other else {}),
    }  # fmt: skip
    by_user = {each["user_id"]: each["items"] for each in rows}
    values, hits, shown = [], [], set()
    for at in range(len(queries)):
        user = task.user_ids[int(queries.row[at])].as_py()
        targets = {ids[i] for i in queries[at : at + 1].answers().items}
        gain, hit, before = 0.0, False, set()
        for rank, item in enumerate(by_user.get(user, [])[:5], start=1):
            if item in before or item in history[user] or item not in ids:
                continue
            before.add(item)
            shown.add(item)
            if item in targets:
                gain += 1 / math.log2(rank + 1)
                hit = hit or rank <= 3
        values.append(gain / sum(1 / math.log2(r + 1) for r in range(1, min(5, len(targets)) + 1)))
        hits.append(hit)
    assert lost["user_id"] in history
    assert row.metrics["ndcg@5"][0] == pytest.approx(np.mean(values))
    assert row.metrics["hit@3"][0] == pytest.approx(np.mean(hits))
    assert row.metrics["coverage@5"][0] == pytest.approx(len(shown) / (len(ids) - 1))
    notes = "\n".join(row.notes)
    slots = 5 * len(queries)
    assert f"1 list is of users that are not in the data, such as 'nobody' ({file}, row " in notes
    assert f"1 of {len(queries)} queries have no list: each slot is a miss" in notes
    assert (
        f"1 of {slots} slots hold an item that is not in the data, such as 'no such item' ({file}, row 1): a miss"
        in notes
    )
    assert f"an item that is in the list already, such as '{rows[1]['items'][0]}' ({file}, row 2)" in notes
    assert f"an item that the user has seen, such as '{rows[2]['items'][0]}' ({file}, row 3)" in notes
    assert " fewer than 5 items: the missing slots are misses, and the fallback fills none" in notes
    report = (folder / "report.md").read_text()
    assert "no such item" in report
    assert "| theirs (external) |" in report


def test_empty_lists_are_counted_and_are_neither_short_nor_missing(folder, tmp_path):
    rows = lists_of(folder, "transition-graph").to_pylist()
    rows[0]["items"], rows[1]["items"] = [], None
    short = sum(0 < len(row["items"] or []) < 5 for row in rows)
    file = written(tmp_path, pa.Table.from_pylist(rows))
    row = external(zoo.score(file, EXPERIMENT, out=folder))
    counts = {key: value for key, value in row.external.items() if key not in ("file", "lists")}
    assert counts == {"empty lists": 2, **({"short lists": short} if short else {})}
    assert "2 lists are empty, such as that of " in row.notes[0]
    assert row.notes[0].endswith("each slot is a miss")


def test_lists_without_a_known_item_are_an_error_that_says_how_items_are_separated(folder, tmp_path, task):
    frame = lists_of(folder, "popular").to_pandas()
    file, before = tmp_path / "theirs.csv", (folder / "manifest.json").read_bytes()
    frame.assign(items=[";".join(items) for items in frame["items"]]).to_csv(file, index=False)
    with pytest.raises(DataError) as error:
        zoo.score(file, EXPERIMENT, out=folder)
    row = zoo.BenchmarkResult(folder).rows()[0]
    assert str(error.value).startswith(
        f"{file}: none of the {row.queries} items of its lists is in the data; the first is 'p"
    )
    assert str(error.value).endswith(
        f", the first of the data {task.catalogue.ids[1].as_py()!r}. Write the ids of items as they are in the data; in CSV, "
        "commas separate the items of a list."
    )
    assert (folder / "manifest.json").read_bytes() == before


def test_an_external_row_can_be_removed_again(folder, tmp_path):
    file = written(tmp_path, lists_of(folder, "popular"))
    for label, seed in (("same", None), ("theirs", None), ("seeded", 0), ("seeded", 1)):
        zoo.score(file, EXPERIMENT, label=label, seed=seed, out=folder)
    runs = len(list((folder / "runs").iterdir()))
    assert [row.label for row in remove_lists(folder, "theirs").rows()][2:] == ["same", "seeded", "seeded"]
    assert len(list((folder / "runs").iterdir())) == runs  # `same` has the same lists and the same files
    assert [(row.label, row.seed) for row in remove_lists(folder, "seeded", seed=0).rows()][2:] == [
        ("same", None), ("seeded", 1),
    ]  # fmt: skip
    left = remove_lists(folder, "seeded")
    assert len(list((folder / "runs").iterdir())) == runs - 4
    assert "seeded" not in (folder / "report.md").read_text() + (folder / "results.jsonl").read_text()
    assert zoo.verify(folder).ok
    assert [row.label for row in left.rows()] == ["popular", "transition-graph", "same"]
    assert [row.label for row in zoo.bench(EXPERIMENT, folder).rows()] == ["popular", "transition-graph", "same"]
    for label, seed, sentence in (
        ("sane", None, f"{folder} has no external row 'sane'. Did you mean 'same'? It has: same."),
        ("same", 3, f"{folder} has no external row 'same' with seed 3."),
        (
            "popular",
            None,
            f"{folder}: 'popular' is a model of the experiment, and --remove removes external rows. Remove the",
        ),
    ):
        with pytest.raises(ResultsError) as error:
            remove_lists(folder, label, seed=seed)
        assert str(error.value).startswith(sentence)


def test_the_table_has_dashes_where_an_external_row_has_nothing(folder, tmp_path):
    zoo.score(written(tmp_path, lists_of(folder, "popular")), EXPERIMENT, out=folder)
    for row in Store(folder).rows():
        if row.label == "popular":
            path = folder / "runs" / f"{row.key}.json"
            tuned = {"tuning": {"seconds": 2.0, "trials": 3}, "settings": "tuned (3 trials)"}
            path.write_text(json.dumps(json.loads(path.read_text()) | tuned))
    table = main_table(Store(folder))
    cells = {row[0].text: [cell.text for cell in row[-2:]] for row in table.rows}
    assert table.headers[-2:] == ["settings", "search s"]
    assert cells["theirs (external)"] == ["–", "–"]
    assert cells["transition-graph"] == ["default", ""]
    benchmark = MeasuredBenchmark.of(Store(folder))
    board = leaderboard(benchmark, [benchmark.measure(name) for name in benchmark.metrics])
    assert {row.label: [cell.text for cell in row.cells[-2:]] for row in board.rows}["theirs"] == ["–", "–"]


def test_ineligible_items_are_misses(tmp_path):
    category = zoo.load_task(experiment_from(EXPERIMENT)).catalogue.column("category")[1].as_py()
    experiment = {
        **EXPERIMENT,
        "evaluate": {"metrics": ["ndcg@1"], "bootstrap": 100, "eligible": {"category": category}},
    }
    task = zoo.load_task(experiment_from(experiment))
    assert not task.eligible[1:].all()
    bad = task.catalogue.ids[1 + int(np.argmin(task.eligible[1:]))].as_py()
    users = task.user_ids.take(pa.array(task.queries("test").row)).to_pylist()
    file = written(tmp_path, {"user_id": users, "items": [[bad]] * len(users)})
    row = external(zoo.score(file, experiment, out=tmp_path / "out"))
    assert row.external["ineligible items"] == len(users)
    assert row.metrics["ndcg@1"][0] == 0
    assert "an item that [evaluate] eligible excludes" in row.notes[0]


def test_equal_scores_are_ordered_by_item_number(folder, tmp_path, task):
    ids, users = task.catalogue.ids.to_pylist(), task.user_ids.take(pa.array(task.queries("test").row)).to_pylist()
    pairs = [(user, item) for user in users for item in reversed(ids[1:8])]
    file = written(
        tmp_path, {"user_id": [u for u, _ in pairs], "item_id": [i for _, i in pairs], "score": [1.0] * len(pairs)}
    )
    result = zoo.score(file, EXPERIMENT, out=folder)
    row = external(result)
    assert result.lists(row)["items"].to_pylist() == [ids[1:6]] * len(users)
    assert (
        f"{6 * len(users):,} items have the score of the item before them: they are ordered by item number"
        in "\n".join(row.notes)
    )


def test_the_row_is_marked_and_has_no_times_and_stays_when_the_benchmark_resumes(folder, tmp_path):
    file = written(tmp_path, lists_of(folder, "popular"))
    result = zoo.score(file, EXPERIMENT, out=folder)
    table = {row["model"]: row for row in result.to_arrow().to_pylist()}
    assert [table[name]["external"] for name in table] == [False, False, True]
    assert table["theirs"]["fit_seconds"] is None
    assert table["theirs"]["ndcg@5"] == table["popular"]["ndcg@5"]
    assert "theirs (external)" in repr(result)
    again = zoo.bench({**EXPERIMENT, "model": [{"predictor": "popular"}]}, folder)
    assert [row.label for row in again.rows()] == ["popular", "theirs"]
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert [bool(line["external"]) for line in lines] == [False, True]
    kept = export(Store(folder), tmp_path / "kept").read_text()
    assert '"label": "popular"' in kept
    assert "theirs" not in kept


def test_the_same_label_again_replaces_the_row_and_seeds_stand_together(folder, tmp_path):
    file, other = (
        written(tmp_path, lists_of(folder, "popular")),
        written(tmp_path, lists_of(folder, "transition-graph"), "o.parquet"),
    )
    zoo.score(file, EXPERIMENT, label="theirs", out=folder)
    zoo.score(other, EXPERIMENT, label="theirs", out=folder)
    result = zoo.score(file, EXPERIMENT, label="more", out=folder)
    rows = {row.label: row for row in result.rows()}
    assert rows["theirs"].metrics == rows["transition-graph"].metrics
    for seed in (1, 0, 2):
        result = zoo.score(file, EXPERIMENT, label="seeded", seed=seed, out=folder)
        if seed == 0:
            result = zoo.score(other, EXPERIMENT, label="last", out=folder)
    assert [(row.label, row.seed) for row in result.rows()][3:] == [
        ("more", None), ("seeded", 1), ("seeded", 0), ("seeded", 2), ("last", None),
    ]  # fmt: skip
    assert result.to_pandas().set_index("model").loc["seeded", "seeds"] == 3


def test_a_new_folder_has_the_row_alone_and_a_benchmark_joins_it(folder, tmp_path):
    file = written(tmp_path, lists_of(folder, "popular"))
    result = zoo.score(file, EXPERIMENT, out=tmp_path / "new")
    assert [row.label for row in result.rows()] == ["theirs"]
    joined = zoo.bench(EXPERIMENT, tmp_path / "new")
    rows = {row.label: row for row in joined.rows()}
    assert list(rows) == ["popular", "transition-graph", "theirs"]
    assert rows["theirs"].metrics == rows["popular"].metrics


def test_a_user_with_several_queries_needs_their_times(tmp_path):
    experiment = {**EXPERIMENT, "split": {"policy": "temporal", "cuts": [0.7, 0.8], "targets": "each"}}
    store = zoo.bench({**experiment, "model": [{"predictor": "popular"}]}, tmp_path / "each")
    table = store.lists(store.rows()[0])
    assert len(table) > len(table["user_id"].unique())
    with pytest.raises(DataError, match=r"has no column 'now', and the split asks [\d,]+ queries of [\d,]+ users"):
        zoo.score(written(tmp_path, table.select(["user_id", "items"])), experiment, out=tmp_path / "each")
    if table.group_by(["user_id", "now"]).aggregate([]).num_rows == len(table):
        result = zoo.score(
            written(tmp_path, table.select(["user_id", "now", "items"])), experiment, out=tmp_path / "each"
        )
        assert external(result).metrics == result.rows()[0].metrics


GOOD = {"user_id": ["c000001", "c000002"], "items": [["p00001"], ["p00002"]]}
BAD = [
    ({"user": ["a"], "items": [["x"]]}, r"expected the columns user_id and items .*; found user, items\. Rename the columns\."),
    ({"user_id": ["a"], "item_id": ["x"]}, r"has one item in each row and neither a column 'score' nor 'rank'"),
    ({"user_id": ["a"], "items": [3]}, r"items is int64, expected a list of item ids in each row"),
    ({"user_id": ["a", None], "items": [["x"], ["y"]]}, r"row 2: user_id is empty, expected the user of the list"),
    ({"user_id": ["a"], "items": [["x", None]]}, r"row 1: items has an empty entry, expected an item id"),
    ({"user_id": ["c1", "c2", "c1"], "items": [["x"], ["y"], ["z"]]}, r"row 3: 'c1' has a list already, in row 1 \(1 rows repeat a query\)"),
    ({"user_id": ["a"], "item_id": [" "], "score": [1.0]}, r"row 1: item_id is empty, expected an item id"),
    ({"user_id": ["a", "a"], "item_id": ["x", "y"], "score": [1.0, None]}, r"row 2: score is empty, expected a finite number"),
    ({"user_id": ["a", "a"], "item_id": ["x", "y"], "score": [1.0, math.nan]}, r"row 2: score is nan, expected a finite number"),
    ({"user_id": ["a"], "item_id": ["x"], "score": ["high"]}, r"row 1: score is 'high', expected a number"),
    ({"user_id": ["a"], "item_id": ["x"], "score": [True]}, r"score is bool, expected numbers"),
    ({"user_id": ["a", "a"], "item_id": ["x", "y"], "rank": [1, 1]}, r"row 2: rank 1 is that of row 1 too, which is of the same list"),
    ({"user_id": ["x1"], "items": [["x"]]}, r"none of its 1 lists is for a test query; its first user is 'x1', that of the first query 'c\d+'"),
    ({"user_id": pa.array([], pa.string()), "items": pa.array([], pa.list_(pa.string()))}, r"has no lists\. Write one for each test query"),
    ({**GOOD, "model": ["a", "b"]}, r"has the lists of 2 values of 'model' \(a, b\), expected one list for each query"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "sentence"), BAD, ids=range(len(BAD)))
def test_lists_that_cannot_be_read_are_a_sentence_and_nothing_is_written(tmp_path, table, sentence):
    file = written(tmp_path, table)
    with pytest.raises(DataError, match=sentence) as error:
        zoo.score(file, EXPERIMENT, out=tmp_path / "out")
    assert str(error.value).startswith(f"{file}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["theirs.parquet"]


def test_a_missing_file_and_a_damaged_one_are_sentences(tmp_path):
    with pytest.raises(
        DataError, match=r"no\.parquet: there is no such file\. Give a file of lists with the columns user_id and items"
    ):
        zoo.score(tmp_path / "no.parquet", EXPERIMENT, out=tmp_path / "out")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"bad\.parquet: cannot be read as parquet"):
        zoo.score(tmp_path / "bad.parquet", EXPERIMENT, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("label", "sentence"), [
    ("a\nb", r"label: expected a name of at most 100 characters on one line, found 'a\\nb'"),
    (" ", "label: expected a name of at most 100 characters on one line, found ' '"),
])  # fmt: skip
def test_a_label_that_no_table_can_show_is_refused(tmp_path, label, sentence):
    with pytest.raises(ConfigError, match=sentence):
        zoo.score(written(tmp_path, GOOD), EXPERIMENT, label=label, out=tmp_path / "out")


def test_a_frame_needs_a_label():
    with pytest.raises(ConfigError, match="score: the lists are a data frame, which has no name"):
        zoo.score(pd.DataFrame(GOOD), EXPERIMENT)


def test_the_label_of_a_model_is_refused_on_both_sides(folder, tmp_path):
    file, before = written(tmp_path, lists_of(folder, "popular")), (folder / "manifest.json").read_bytes()
    with pytest.raises(
        ResultsError, match=r"has external lists and a model that are both named 'popular'\. Choose another label"
    ):
        zoo.score(file, EXPERIMENT, label="popular", out=folder)
    assert (folder / "manifest.json").read_bytes() == before
    zoo.score(file, EXPERIMENT, label="later", out=folder)
    with pytest.raises(ResultsError, match="both named 'later'"):
        zoo.bench({**EXPERIMENT, "model": [{"label": "later", "predictor": "popular"}]}, folder)


def test_a_folder_of_another_task_is_refused_and_unchanged(folder, tmp_path):
    file, before = (
        written(tmp_path, lists_of(folder, "popular")),
        {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()},
    )
    other = {**EXPERIMENT, "evaluate": {"metrics": ["ndcg@3"], "bootstrap": 100}}
    with pytest.raises(ResultsError, match="holds results of another task"):
        zoo.score(file, other, out=folder)
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and ".lock" not in p.name} == before


def test_judged_lists_are_refused(tmp_path):
    experiment = {
        "task": "rank", "data": {"source": {"name": "files", "interactions": "x.parquet"}, "features": ["x"]},
        "model": [{"rankers": [{"name": "borda", "columns": ["x"]}]}],
    }  # fmt: skip
    with pytest.raises(ConfigError, match='expected an experiment that recommends, found task = "rank"'):
        zoo.score(written(tmp_path, GOOD), experiment, out=tmp_path / "out")
