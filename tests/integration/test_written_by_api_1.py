"""What shopzoo 0.1.0 wrote under plugin API 1 is still read: artifacts, benchmark folders, and plugins of its scaffold."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from shutil import copytree

import pytest

import zoo
from zoo.api import API_VERSION

WRITTEN = Path(__file__).parents[1] / "fixtures" / "written_by_api_1"
ARTIFACTS, RUNS, PLUGINS = WRITTEN / "artifacts", WRITTEN / "runs", WRITTEN / "plugins"
MODELS = [path.parent.name for path in sorted(ARTIFACTS.glob("*/expected.json"))]
KINDS = [path.name.removeprefix("my-") for path in sorted(PLUGINS.iterdir())]
INTERRUPTED = ("sasrec", 1)
"""The run in the folder `interrupted` that has a checkpoint."""
REMEDY = re.compile(
    r"\b(remove|move it to|choose|run the benchmark again|use the version that wrote it)\b", re.IGNORECASE
)
"""What a message must say where an old folder or checkpoint is refused."""
NETWORKS = {"sasrec", "gru4rec", "neural-ranker"}
NETWORK_TOLERANCE = 0.05
"""Networks are trained anew on another CPU: a rounding may swap two items of a list, of 33 queries."""


def dist_info(folder, name, version, entry_points):
    """Make a distribution look installed, for whoever has the folder on the path."""
    path = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    path.mkdir(parents=True, exist_ok=True)
    (path / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: Apache-2.0\n")
    (path / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def command(monkeypatch):
    """Return a function that runs `zoo ARGUMENTS` in a process of its own, with folders before the path."""

    def run(*arguments, path=(), codes=(0,)):
        before = os.pathsep.join(map(str, [*path, *filter(None, [os.environ.get("PYTHONPATH")])]))
        done = subprocess.run(
            [sys.executable, "-m", "zoo", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": before, "COLUMNS": "500"},
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert done.returncode in codes, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    for name in ("ZOO_PLUGINS", "ZOO_DISABLE_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    return run


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Return a folder with which on the path this tree passes for a regular installation of 0.1.0."""
    folder = tmp_path_factory.mktemp("release")
    for found in [d for d in distributions() if d.name.lower().startswith("shopzoo")]:
        dist_info(folder, found.name, "0.1.0", found.read_text("entry_points.txt") or "")
    return folder


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


# Artifacts


def lists(artifact):
    """Return the lists of the queries that the expected ones answer."""
    queries = [json.loads(line) for line in (ARTIFACTS / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    return [artifact.recommend(q.get("user_id"), history=q.get("history"), k=10) for q in queries]


def assert_same_lists(found, expected):
    """Scores agree within 1e-5; so do the items, but for the order of those whose scores agree as closely."""
    assert len(found) == len(expected)
    for number, (items, wanted) in enumerate(zip(found, expected, strict=True), 1):
        scores = wanted["scores"]
        assert [item.score for item in items] == pytest.approx(scores, abs=1e-5, rel=1e-5), f"query {number}"
        for place, (item, name) in enumerate(zip(items, wanted["items"], strict=True)):
            tied = {
                n for n, s in zip(wanted["items"], scores, strict=True) if s == pytest.approx(scores[place], abs=2e-5)
            }
            at_the_edge = scores[place] == pytest.approx(scores[-1], abs=2e-5)
            assert item.item_id == name or item.item_id in tied or at_the_edge, f"query {number}, place {place + 1}"


def test_no_artifact_is_left_out():
    assert set(MODELS) >= {"ease", "als", "sasrec", "content-knn", "two-stage-lambdamart", "two-stage-neural-ranker"}


@pytest.mark.filterwarnings("ignore:.* was saved with shopzoo")
@pytest.mark.parametrize("model", MODELS)
def test_an_artifact_gives_the_lists_of_the_version_that_wrote_it(model):
    artifact = zoo.load_artifact(ARTIFACTS / model / "artifact")
    assert_same_lists(lists(artifact), read(ARTIFACTS / model / "expected.json"))


@pytest.mark.filterwarnings("ignore:.* was saved with shopzoo")
def test_an_artifact_takes_new_items_as_the_version_that_wrote_it_did():
    artifact = zoo.load_artifact(ARTIFACTS / "content-knn" / "artifact").with_items(ARTIFACTS / "new-items.jsonl")
    expected = read(ARTIFACTS / "content-knn" / "expected-with-new-items.json")
    assert {"new-1", "new-2"} <= {item for wanted in expected for item in wanted["items"]}
    assert_same_lists(lists(artifact), expected)


# Benchmark folders


def rows(folder):
    """Return the rows of a benchmark, by label and seed."""
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return {(row["label"], row["seed"]): row for row in map(json.loads, lines)}


def assert_same_rows(found, expected, tolerances):
    """Every figure agrees, within what is allowed for the row's label."""
    wanted = {(row["label"], row["seed"]): row for row in expected}
    assert list(found) == list(wanted)
    for (label, seed), row in wanted.items():
        mine, tolerance = found[label, seed], tolerances.get(label, 1e-9)
        assert mine["error"] is None, f"{label}, seed {seed}: {mine['error']}"
        assert mine["queries"] == row["queries"]
        assert mine["metrics"].keys() == row["metrics"].keys()
        for metric, values in row["metrics"].items():
            assert mine["metrics"][metric] == pytest.approx(values, abs=tolerance), f"{label}, seed {seed}: {metric}"


def tables(report):
    """Return the cells of a report's first table: row, then column, then text without marks."""
    lines = report.partition("\n| model |")[2].partition("\n\n")[0].splitlines()
    header, _, *body = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in ["model |" + lines[0], *lines[1:]]
    ]
    return {line[0]: dict(zip(header[1:], [cell.strip("*=? ") for cell in line[1:]], strict=True)) for line in body}


@pytest.mark.parametrize("name", ["finished", "finished-rank"])
@pytest.mark.robust
def test_a_finished_benchmark_is_reported_as_before(name, tmp_path, command):
    folder = copytree(RUNS / name, tmp_path / name)
    (folder / "report.md").unlink()
    (folder / "results.jsonl").unlink()
    shown = command("report", folder).stdout
    before, after = ((f / "report.md").read_text(encoding="utf-8") for f in (RUNS / name, folder))
    assert tables(after) == tables(before)
    assert len(tables(before)) == (6 if name == "finished" else 3)
    for label, cells in tables(before).items():
        (line,) = [line for line in shown.splitlines() if re.match(rf"{re.escape(label)}\s+\S*\d", line)]
        assert set(list(cells.values())[:2]) <= set(line.split())
    assert_same_rows(rows(folder), read(RUNS / f"{name}.expected.json"), {})


@pytest.mark.parametrize("name", ["finished", "finished-rank"])
@pytest.mark.robust
def test_a_finished_benchmark_is_not_measured_again(name, tmp_path, command, release, monkeypatch):
    folder = copytree(RUNS / name, tmp_path / name)
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*")}
    monkeypatch.chdir(RUNS)
    config = "rank.toml" if name == "finished-rank" else "recommend.toml"
    done = command("bench", config, "--out", folder, path=[release], codes=(0, 2))
    if done.returncode:
        assert REMEDY.search(done.stderr)
        return
    assert {path: path.stat().st_mtime_ns for path in folder.glob("runs/*")} == kept
    assert_same_rows(rows(folder), read(RUNS / f"{name}.expected.json"), {})


@pytest.mark.robust
def test_an_interrupted_benchmark_goes_on_or_says_what_to_do(tmp_path, command, release, monkeypatch):
    folder = copytree(RUNS / "interrupted", tmp_path / "interrupted")
    expected = read(RUNS / "interrupted.expected.json")
    kept, finished = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*")}, rows(folder)
    assert len(finished) == 6 < len(expected)
    assert INTERRUPTED not in finished
    assert len(list(folder.glob("training/*/*/*"))) == 1
    monkeypatch.chdir(RUNS)
    done = command("bench", "recommend.toml", "--out", folder, path=[release], codes=(0, 1, 2))
    if done.returncode == 2:  # the folder is refused as a whole, and left as it is
        assert REMEDY.search(done.stderr)
        assert rows(folder) == finished
        return
    found = rows(folder)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(list(folder.glob("runs/*.json"))) == len(expected)
    if error := found[INTERRUPTED]["error"]:  # the checkpoint alone is refused
        assert done.returncode == 1
        assert REMEDY.search(error)
        found.pop(INTERRUPTED)
        expected = [row for row in expected if (row["label"], row["seed"]) != INTERRUPTED]
    else:
        said = done.stdout + done.stderr
        assert re.search(r"sasrec, seed 1: .*\bepoch 1\b", said), said
        assert not list(folder.glob("training/**/*.safetensors"))
    trained_now = {
        label: NETWORK_TOLERANCE for label, seed in found if label in NETWORKS and (label, seed) not in finished
    }
    assert_same_rows(found, expected, trained_now)


# Plugins

ALL_KINDS = """
references = false
[data]
source = { name = "my-dataset", users = 60, items = 40, events = 1500 }
[split]
policy = "temporal"
cuts = [0.6, 0.75, 0.9]
[evaluate]
metrics = ["my-metric@10", "ndcg@10"]
candidates = 20
[train]
device = "cpu"
max_epochs = 2
[[model]]
predictor = "my-predictor"
[[model]]
predictor = { name = "my-neural", dim = 8 }
[[model]]
label = "ranked"
predictor = "my-predictor"
rankers = ["my-ranker"]
[[model]]
label = "filtered"
predictor = "popular"
featurizer = { name = "my-featurizer", column = "title" }
filters = [{ name = "my-filter", events = 2 }]
rankers = ["mmr"]
"""


@pytest.fixture(scope="module")
def scaffolded(tmp_path_factory):
    """Return the folders with which on the path the plugins of the old scaffold are installed."""
    folder = tmp_path_factory.mktemp("plugins")
    for kind in KINDS:
        dist_info(folder, f"my-{kind}", "0.1.0", f"[shopzoo]\nmy-{kind} = my_{kind}\n")
    return [folder, *(PLUGINS / f"my-{kind}" / "src" for kind in KINDS)]


@pytest.mark.robust
def test_plugins_load_and_a_note_says_that_they_are_older(command, scaffolded):
    found = {
        plugin["distribution"]: plugin for plugin in json.loads(command("doctor", "--json", path=scaffolded).stdout)
    }
    assert {f"my-{kind}" for kind in KINDS} <= found.keys()
    for kind in KINDS:
        plugin = found[f"my-{kind}"]
        assert plugin["errors"] == []
        assert len(plugin["components"]) == 1
        if API_VERSION == 1:
            assert plugin["warnings"] == []
        else:
            assert "plugin API 1" in " ".join(plugin["warnings"])


@pytest.mark.robust
def test_plugins_are_benchmarked_together(tmp_path, command, scaffolded):
    (tmp_path / "all.toml").write_text(ALL_KINDS)
    command("bench", tmp_path / "all.toml", "--out", tmp_path / "out", path=scaffolded)
    found = rows(tmp_path / "out")
    assert [row["error"] for row in found.values()] == [None] * 4
    assert all("my-metric@10" in row["metrics"] for row in found.values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_experiment_of_a_plugin_runs(kind, tmp_path, command, scaffolded):
    command(
        "bench",
        PLUGINS / f"my-{kind}" / "example.toml",
        "--set",
        "references=false",
        "--out",
        tmp_path / "out",
        path=scaffolded,
    )
    assert [row["error"] for row in rows(tmp_path / "out").values()] == [None, None]


@pytest.mark.parametrize("kind", [k if k == "metric" else pytest.param(k, marks=pytest.mark.slow) for k in KINDS])
@pytest.mark.robust
def test_a_plugin_passes_the_conformance_checks(kind, command, scaffolded):
    assert "passed" in command("plugin", "check", f"my-{kind}", path=scaffolded).stdout
