"""`zoo fit` and `zoo recommend`: from an experiment to an artifact, and from it to lists."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.artifacts.saving import load_artifact
from zoo.cli.rule_options import parse_where

FILE = """
[data]
source = { name = "synthetic-shop", customers = 40, items = 60, events = 1500, categories = 6, brands = 12 }
[split]
policy = "temporal"
cuts = [0.8]
[[model]]
predictor = "popular"
[[model]]
label = "factors"
predictor = { name = "als", factors = 8 }
[[model]]
label = "graph"
predictor = "item-knn"
filters = ["available"]
"""

NOT_FOR_PRODUCTION = "zoo: fitted on the events before the test part. For production, add --all-events."


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
        "zoo: queries of unknown users: 1 ('nobody')",
        "zoo: queries without a history, answered with popular items: 1",
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
    assert done.stderr == ("zoo: events dropped from histories because their items are unknown: 1 ('nothing')\n")


def test_the_moment_is_that_of_the_option_where_a_query_has_none(zoo, artifact):
    first = load_artifact(artifact).pipeline.filters[0].first[1:].tolist()
    early = zoo("recommend", artifact, "--history", "", "--k", 100, "--now", str(min(first))).stdout.splitlines()
    late = zoo("recommend", artifact, "--history", "", "--k", 100, "--now", "2030-01-01").stdout.splitlines()
    assert len(early) < len(late)
    stderr = zoo("recommend", artifact, "--history", "", "--now", "soon", code=2).stderr
    assert stderr.startswith(
        "zoo: now: timestamp ('now' in the data) is 'soon', which is not an ISO 8601 date and time"
    )


def test_all_events_and_no_histories(zoo, shop, tmp_path):
    zoo("fit", shop, "--model", "graph", "--out", tmp_path / "all", "--all-events")
    zoo("fit", shop, "--model", "graph", "--out", tmp_path / "none", "--without-histories")
    zoo("fit", shop, "--model", "graph", "--out", tmp_path / "most")
    everything, nothing, most = (load_artifact(tmp_path / name) for name in ("all", "none", "most"))
    assert len(everything.histories) > len(most.histories) > len(nothing.histories) == 0
    assert everything.pipeline.known.sum() >= most.pipeline.known.sum()
    assert everything.data["all_events"] is True
    assert most.recommend("c000001") != nothing.recommend("c000001") == nothing.recommend(history=[])


NET = """
[data]
source = { name = "synthetic-shop", customers = 40, items = 60, events = 1500, categories = 6, brands = 12 }
accept = ["few-queries", "few-validation-queries", "seen-targets"]
[train]
max_epochs = 4
seeds = [3]
[[model]]
predictor = { name = "bpr-mf", dim = 8 }
"""


@pytest.fixture
def net(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(NET)
    return file


def test_an_interrupted_fit_goes_on_and_keeps_nothing_but_its_logs(zoo, net, tmp_path, monkeypatch):
    out, training = tmp_path / "net", tmp_path / "net.training"
    monkeypatch.setattr("zoo.training.epoch_checkpoint.CHECKPOINT_SHARE", float("inf"))
    assert zoo("fit", net, "--out", tmp_path / "whole").stderr.splitlines() == [
        "reading data ...", "1/1 bpr-mf, seed 3: fit ...", NOT_FOR_PRODUCTION,
    ]  # fmt: skip

    def at(epoch):
        def told(self, name, done, total, note=""):
            if done == epoch:
                raise KeyboardInterrupt

        return told

    with monkeypatch.context() as patched:
        patched.setattr("zoo.cli.progress_display.Bars.phase", at(3))
        said = zoo("fit", net, "--out", out, code=130).stderr
    assert said.splitlines()[-1] == "zoo: interrupted: run the same command again to resume from the last saved epoch."
    assert not out.exists()
    [kept] = training.rglob("*.checkpoint.safetensors")
    zoo("fit", net, "--out", tmp_path / "beside", "--set", "train.max_epochs=2")  # another place, another training
    assert kept.exists()
    done = zoo("fit", net, "--out", out, "--set", "train.logger=csv")
    assert done.stderr.splitlines()[2:] == ["1/1 bpr-mf, seed 3: resumes after epoch 2", NOT_FOR_PRODUCTION]
    assert done.stdout.splitlines()[1:] == [f"Logs in {kept.parents[1]}"]
    assert {path.name for path in training.rglob("*") if path.is_file()} == {"hparams.yaml", "metrics.csv"}
    for name in ("predictor.safetensors", "state.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.robust
def test_another_fit_does_not_go_on_with_what_was_interrupted(zoo, net, tmp_path, monkeypatch):
    def interrupted(self, name, done, total, note=""):
        if done == 3:
            raise KeyboardInterrupt

    for more in ((), ("--seed", "4"), ("--all-events",), ("--set", "train.learning_rate=0.1")):
        with monkeypatch.context() as patched:
            patched.setattr("zoo.cli.progress_display.Bars.phase", interrupted)
            zoo("fit", net, "--out", tmp_path / "net", *more, code=130)
    assert len(list((tmp_path / "net.training").iterdir())) == 4
    zoo("fit", net, "--out", tmp_path / "net")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net", "net.toml"]


def test_without_histories_the_example_is_a_query_that_the_artifact_answers(zoo, net, shop, tmp_path):
    for name, file, label, option, told in (
        ("user", net, "bpr-mf", "--user", ["zoo: queries of users whose histories were not saved with the artifact: 1 (give each a `history`)"]),
        ("history", shop, "graph", "--history", []),
    ):  # fmt: skip
        said = zoo("fit", file, "--model", label, "--out", tmp_path / name, "--without-histories").stdout
        call = said.partition(": zoo recommend ")[2].split()
        assert call[1] == option
        assert zoo("recommend", *call).stderr.splitlines() == told


def test_which_model_has_to_be_said_and_exist(zoo, shop, tmp_path):
    out = tmp_path / "out"
    assert zoo("fit", shop, "--out", out, code=2).stderr == (
        "zoo: the experiment has several models: choose one, `--model LABEL` or `model=LABEL`. Its models: popular, factors, graph.\n"
    )
    assert zoo("fit", shop, "--out", out, "--model", "grap", code=2).stderr == (
        "zoo: no model 'grap'. Did you mean 'graph'? Its models: popular, factors, graph.\n"
    )
    assert not out.exists()


def test_a_place_that_is_taken_is_refused_before_anything_is_fitted(zoo, shop, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.benchmark.fit_model.fit_resolved", lambda *args, **kwargs: pytest.fail("was fitted"))
    stderr = zoo("fit", shop, "--model", "graph", "--out", tmp_path, code=2).stderr
    assert stderr == f"zoo: {tmp_path} exists and is not an artifact. Choose another folder, or remove it.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            (),
            "Give --queries FILE and --out FILE; --all-users and --out FOLDER; or, for one user, --user ID or --history A,B,C.",
        ),
        (
            ("--queries", "q.csv"),
            "--queries FILE and --out FILE go together: the lists of a file are written to a file.",
        ),
        (("--user", "a", "--queries", "q.csv", "--out", "l.csv"), "--queries and --user exclude each other. Give one."),
        (("--user", "a", "--out", "l.csv"), "--queries FILE and --out FILE go together"),
    ],
)
def test_a_call_that_says_too_little_or_too_much_is_explained(zoo, artifact, arguments, sentence):
    assert sentence in zoo("recommend", artifact, *arguments, code=2).stderr


def test_a_user_with_a_history_is_not_one_user(zoo, artifact):
    stderr = zoo("recommend", artifact, "--user", "c000001", "--history", "a", code=2).stderr
    assert (
        "Give --user or --history, not both. To replace the history of a known user, use --queries: a row may have both."
        in stderr
    )


def test_what_is_no_artifact_and_what_is_malformed_is_an_error_without_a_traceback(zoo, artifact, tmp_path):
    assert zoo("recommend", tmp_path, "--user", "a", code=2).stderr == (
        f"zoo: {tmp_path} contains no zoo.json: it is not an artifact. Give the folder that `zoo fit` wrote.\n"
    )
    (tmp_path / "q.csv").write_text('user_id\na\n" "\n')
    stderr = zoo("recommend", artifact, "--queries", tmp_path / "q.csv", "--out", tmp_path / "l.csv", code=2).stderr
    assert (
        stderr
        == f"zoo: {tmp_path / 'q.csv'}, row 2: user_id is empty, but a query needs a user_id or a history. Mend the row.\n"
    )
    assert not (tmp_path / "l.csv").exists()


CONTENT = """
[data]
source = { name = "synthetic-shop", customers = 40, items = 60, events = 1500, categories = 6, brands = 12 }
[[model]]
predictor = "content-knn"
featurizer = { name = "tf-idf", columns = ["title"] }
"""


def test_new_items_are_recommended_without_another_fit(zoo, tmp_path):
    file, out, items = tmp_path / "content.toml", tmp_path / "content", tmp_path / "items.csv"
    file.write_text(CONTENT)
    zoo("fit", file, "--out", out)
    artifact = load_artifact(out)
    item, title = artifact.catalogue.ids[5].as_py(), artifact.titles[5].as_py()
    items.write_text(f'item_id,title\nbrand-new,"{title}"\n')
    best = zoo("recommend", out, "--history", item, "--k", 1, "--new-items", items).stdout.splitlines()[1]
    assert "brand-new" in best
    assert title in best
    queries, lists = tmp_path / "q.jsonl", tmp_path / "l.jsonl"
    queries.write_text(json.dumps({"history": ["brand-new"]}))
    done = zoo("recommend", out, "--queries", queries, "--out", lists, "--k", 1, "--new-items", items)
    assert done.stderr == ""
    assert json.loads(lists.read_text())["items"] == [item]
    items.write_text(f'item_id,title\n{item},"{title}"\n')
    assert zoo("recommend", out, "--history", item, "--new-items", items, code=2).stderr == (
        f"zoo: {items}, row 1: item_id {item!r} is already an item of the artifact, expected new items only. "
        "Remove the row.\n"
    )


def test_rules_of_a_call_are_those_of_python(zoo, artifact, tmp_path):
    loaded = load_artifact(artifact)
    ids, category = loaded.catalogue.ids.to_pylist()[1:], loaded.catalogue.column("category")[1].as_py()
    rules = ("--exclude", f"{ids[0]},{ids[3]}", "--where", f"category={category}")
    (tmp_path / "q.jsonl").write_text('{"user_id": "c000001"}\n')
    zoo("recommend", artifact, "--queries", tmp_path / "q.jsonl", "--out", tmp_path / "l.jsonl", "--k", "9", *rules)
    (row,) = [json.loads(line) for line in (tmp_path / "l.jsonl").read_text().splitlines()]
    expected = loaded.recommend("c000001", k=9, exclude=[ids[0], ids[3]], where={"category": category})
    assert row["items"] == [item.item_id for item in expected]
    assert row["items"]
    shown = zoo("recommend", artifact, "--user", "c000001", "--k", "9", *rules).stdout
    assert all(item.item_id in shown for item in expected)


@pytest.mark.parametrize(
    ("literal", "value"),
    [("in_stock=true", {"in_stock": True}), ("brand=amber", {"brand": "amber"}), ('brand=["a", "b"]', {"brand": ["a", "b"]}), ("n=3", {"n": 3})],
)  # fmt: skip
def test_a_value_is_a_toml_literal_or_a_bare_text(literal, value):
    assert parse_where([literal]) == value


def test_a_rule_without_a_value_is_a_usage_error(zoo, artifact):
    done = zoo("recommend", artifact, "--user", "c000001", "--where", "in_stock", code=2)
    assert "--where 'in_stock': expected COLUMN=VALUE, such as in_stock=true or brand=amber." in done.stderr


def test_all_users_get_lists_in_a_folder_that_the_same_command_completes(zoo, artifact, tmp_path):
    out = tmp_path / "lists"
    call = ("recommend", artifact, "--all-users", "--out", out, "--k", 3, "--shard-users", 16)
    assert zoo(*call).stdout.startswith(f"40 lists in 3 files of {out} (")
    (out / "part-000001.parquet").unlink()
    assert zoo(*call).stdout == f"40 lists in 3 files of {out} (16 of them now)\n"
    users = load_artifact(artifact).user_ids
    assert pq.read_table(out)["user_id"].to_pylist() == users.to_pylist()
    other = zoo("recommend", artifact, "--all-users", "--out", out, "--shard-users", 16, code=2).stderr
    assert other.startswith(f"zoo: {out} holds other lists: --k is 3 there and 10 here. Choose another folder")


@pytest.mark.parametrize(("options", "message"), [
    (("--all-users",), "--all-users and --out FOLDER go together"),
    (("--all-users", "--user", "c000001", "--out", "lists"), "--all-users excludes --queries, --user and --history."),
    (("--user", "c000001", "--executor", "local"), "--executor is for --all-users only. Remove it, or add --all-users."),
    (("--user", "c000001", "--wait"), "--wait is for --all-users only. Remove it, or add --all-users."),
    (("--all-users", "--out", "lists", "--executor", "rai"), "--executor: no executor 'rai'."),
])  # fmt: skip
def test_options_of_all_users_that_do_not_go_together_are_refused(zoo, artifact, options, message):
    assert message in zoo("recommend", artifact, *options, code=2).stderr


def test_an_index_is_built_into_a_new_artifact_and_says_what_it_finds(zoo, shop, artifact, tmp_path):
    pytest.importorskip("usearch", reason='an index needs usearch: pip install "shopzoo[ann]"')
    zoo("fit", shop, "--model", "factors", "--out", tmp_path / "als")
    said = zoo("index", tmp_path / "als", "--out", tmp_path / "index", "--expansion-search", 128).stdout
    assert re.fullmatch(
        rf"factors in {tmp_path / 'index'}: recall@\d+ [01]\.\d{{4}} against exact retrieval \(\d+ queries\); "
        r"[\d.e+]+ ms a list instead of [\d.e+]+ ms \(\d+ items\)\n",
        said,
    )
    assert load_artifact(tmp_path / "index").retriever.settings.expansion_search == 128
    plain, found = (zoo("recommend", tmp_path / name, "--user", "c000001").stdout for name in ("als", "index"))
    assert found == plain
    refused = zoo("index", artifact, "--out", tmp_path / "no", code=2).stderr
    assert "item-knn are no products of vectors, so there is no index for them. Fit a model whose scores are" in refused
