"""`zoo fit` and `zoo recommend`: from an experiment to an artifact, and from it to lists."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.artifacts.saving import load_artifact

FILE = """
[data]
source = { name = "synthetic-shop", customers = 40, items = 60, events = 1500, categories = 6, brands = 12 }
[split]
policy = "temporal"
cuts = [0.8]
[[model]]
predictor = "popular"
[[model]]
label = "graph"
predictor = "transition-graph"
filters = ["available"]
"""


@pytest.fixture
def shop(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text(FILE)
    return file


@pytest.fixture
def artifact(zoo, shop, tmp_path):
    zoo("fit", shop, "--model", "graph", "--out", tmp_path / "graph")
    return tmp_path / "graph"


def test_a_model_is_fitted_and_answers_without_the_experiment(zoo, shop, tmp_path):
    out = tmp_path / "made" / "graph"
    said = zoo("fit", shop, "--model", "graph", "--out", out).stdout
    assert re.fullmatch(rf"graph in {out} \(0\.\d+ MiB\): zoo recommend {out} --user c000000\n", said)
    shop.unlink()
    pq.write_table(pa.table({"user_id": ["c000000", "c000001", "nobody"]}), tmp_path / "q.parquet")
    done = zoo("recommend", out, "--queries", tmp_path / "q.parquet", "--out", tmp_path / "l.jsonl", "--k", "7")
    assert done.stdout.startswith(f"3 lists in {tmp_path / 'l.jsonl'} (")
    assert done.stderr.splitlines() == [
        "zoo: queries of users whom the artifact does not know: 1",
        "zoo: queries without a history: they get the model's fallback: 1",
    ]
    rows = [json.loads(line) for line in (tmp_path / "l.jsonl").read_text().splitlines()]
    assert [row["user_id"] for row in rows] == ["c000000", "c000001", "nobody"]
    assert [len(row["items"]) for row in rows] == [7, 7, 7]


def test_one_user_is_answered_on_the_terminal_with_titles(zoo, artifact):
    loaded = load_artifact(artifact)
    item = loaded.catalogue.ids[5].as_py()
    for arguments, expected in (
        (("--user", "c000001"), loaded.recommend("c000001", k=3)),
        (("--history", f"{item},nothing"), loaded.recommend(history=[item], k=3)),
    ):
        done = zoo("recommend", artifact, *arguments, "--k", 3)
        lines = done.stdout.splitlines()
        assert lines[0].split() == ["rank", "item", "title", "score"]
        for line, wanted in zip(lines[1:], expected, strict=True):
            assert wanted.item_id in line
            assert wanted.title in line
    assert done.stderr == ("zoo: events left out of histories, their items not known: 1 ('nothing')\n")


def test_the_moment_is_that_of_the_option_where_a_query_has_none(zoo, artifact):
    first = load_artifact(artifact).pipeline.filters[0].first[1:].tolist()
    early = zoo("recommend", artifact, "--history", "", "--k", 100, "--now", str(min(first))).stdout.splitlines()
    late = zoo("recommend", artifact, "--history", "", "--k", 100, "--now", "2030-01-01").stdout.splitlines()
    assert len(early) < len(late)
    stderr = zoo("recommend", artifact, "--history", "", "--now", "soon", code=2).stderr
    assert stderr.startswith("zoo: now: timestamp ('now' in the file) is 'soon', which is no ISO 8601 date and time")


def test_all_events_and_no_histories(zoo, shop, tmp_path):
    zoo("fit", shop, "--model", "graph", "--out", tmp_path / "all", "--all-events")
    zoo("fit", shop, "--model", "graph", "--out", tmp_path / "none", "--without-histories")
    zoo("fit", shop, "--model", "graph", "--out", tmp_path / "most")
    everything, nothing, most = (load_artifact(tmp_path / name) for name in ("all", "none", "most"))
    assert len(everything.histories) > len(most.histories) > len(nothing.histories) == 0
    assert everything.pipeline.known.sum() >= most.pipeline.known.sum()
    assert everything.data["all_events"] is True
    assert most.recommend("c000001") != nothing.recommend("c000001") == nothing.recommend(history=[])


def test_which_model_has_to_be_said_and_exist(zoo, shop, tmp_path):
    out = tmp_path / "out"
    assert zoo("fit", shop, "--out", out, code=2).stderr == (
        "zoo: the experiment has several models: say which one, --model LABEL. Its models: popular, graph.\n"
    )
    assert zoo("fit", shop, "--out", out, "--model", "grap", code=2).stderr == (
        "zoo: no model 'grap'. Did you mean 'graph'? Its models: popular, graph.\n"
    )
    assert not out.exists()


def test_a_place_that_is_taken_is_refused_before_anything_is_fitted(zoo, shop, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.artifacts.fit.fit", lambda *args, **kwargs: pytest.fail("was fitted"))
    stderr = zoo("fit", shop, "--model", "graph", "--out", tmp_path, code=2).stderr
    assert stderr == f"zoo: {tmp_path} exists and is no artifact. Choose another --out, or remove it.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--queries", "q.csv"),
        ("--user", "a", "--queries", "q.csv", "--out", "l.csv"),
        ("--user", "a", "--out", "l.csv"),
    ],
)
def test_a_call_that_says_too_little_or_too_much_is_explained(zoo, artifact, arguments):
    stderr = zoo("recommend", artifact, *arguments, code=2).stderr
    assert "Give --queries FILE and --out FILE; or, for one user, --user ID or --history A,B,C." in stderr


def test_what_is_no_artifact_and_what_is_malformed_is_an_error_without_a_traceback(zoo, artifact, tmp_path):
    assert zoo("recommend", tmp_path, "--user", "a", code=2).stderr == (
        f"zoo: {tmp_path} holds no zoo.json: it is no artifact. Give the folder that `zoo fit` wrote.\n"
    )
    (tmp_path / "q.csv").write_text('user_id\na\n" "\n')
    stderr = zoo("recommend", artifact, "--queries", tmp_path / "q.csv", "--out", tmp_path / "l.csv", code=2).stderr
    assert stderr == f"zoo: {tmp_path / 'q.csv'}, row 2: user_id is empty, expected an id. Mend the row.\n"
    assert not (tmp_path / "l.csv").exists()
