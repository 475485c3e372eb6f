"""`zoo score` and `zoo verify` on the command line: what they print, and their exit codes."""

import json

import pyarrow.parquet as pq
import pytest

from zoo.benchmark.results_folder.store import Store


def test_lists_of_a_file_become_a_row_and_their_oddities_are_told(zoo, folder, tmp_path):
    store = Store(folder)
    table = store.lists(store.rows()[0]).select(["user_id", "items"]).slice(1)
    pq.write_table(table, tmp_path / "theirs.parquet")
    found = zoo("score", tmp_path / "theirs.parquet", tmp_path / "shop.toml", "--out", folder)
    assert [line.split()[0] for line in found.stdout.splitlines()[1:4]] == ["shelf", "steep", "theirs"]
    assert "theirs (external)" in found.stdout
    assert found.stderr.splitlines() == [f"zoo: 1 of {len(table) + 1} queries have no list: each slot is a miss"]
    assert zoo("verify", folder).stdout == f"{folder}: every metric of 3 rows is that of its lists.\n"


def test_the_page_has_the_row_until_it_is_removed(zoo, folder, tmp_path):
    store = Store(folder)
    pq.write_table(store.lists(store.rows()[0]).select(["user_id", "items"]), tmp_path / "theirs.parquet")
    page = folder / "report.html"
    before = page.read_text(encoding="utf-8")
    found = zoo("score", tmp_path / "theirs.parquet", tmp_path / "shop.toml", "--out", folder)
    assert found.stdout.splitlines()[-1] == f"Open {page} in a browser."
    assert "theirs" not in before
    assert "theirs" in page.read_text(encoding="utf-8")
    left = zoo("score", "--remove", "theirs", "--out", folder)
    assert [line.split()[0] for line in left.stdout.splitlines()[1:3]] == ["shelf", "steep"]
    assert "theirs" not in left.stdout + page.read_text(encoding="utf-8") + (folder / "report.md").read_text("utf-8")


def test_the_last_row_of_a_folder_takes_its_page_with_it(zoo, folder, tmp_path):
    store = Store(folder)
    pq.write_table(store.lists(store.rows()[0]).select(["user_id", "items"]), tmp_path / "theirs.parquet")
    zoo("score", tmp_path / "theirs.parquet", tmp_path / "shop.toml", "--out", tmp_path / "new")
    assert (tmp_path / "new" / "report.html").exists()
    assert (
        zoo("score", "--remove", "theirs", "--out", tmp_path / "new").stdout
        == f"{tmp_path / 'new'} has no row any more.\n"
    )
    assert not (tmp_path / "new" / "report.html").exists()
    assert Store(tmp_path / "new").rows() == []


def test_what_score_needs_is_said(zoo, tmp_path):
    usage = "--remove takes the folder of the row: zoo score --remove LABEL --out FOLDER"
    assert usage in " ".join(zoo("score", "--remove", "theirs", code=2).stderr.split())
    assert "Missing argument 'LISTS'" in zoo("score", code=2).stderr
    assert "Missing argument 'EXPERIMENT'" in zoo("score", tmp_path / "theirs.csv", code=2).stderr


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["--label", "mine"], "--label"),
        (["--label", ""], "--label"),
        (["--set", "data.until=3", "--plugin", "own.py"], "--set, --plugin"),
        (["theirs.parquet"], "LISTS"),
    ],
)
def test_remove_refuses_what_only_scoring_uses(zoo, folder, given, named):
    told = " ".join(zoo("score", *given, "--remove", "shelf", "--out", folder, code=2).stderr.split())
    assert f"--remove takes --out, --seed and --wait, found {named}: zoo score --remove LABEL --out FOLDER" in told


def test_lists_that_cannot_be_read_end_with_2_and_write_nothing(zoo, folder, tmp_path):
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    told = zoo("score", tmp_path / "no.parquet", tmp_path / "shop.toml", "--out", folder, code=2).stderr
    assert told.startswith(f"zoo: {tmp_path / 'no.parquet'}: there is no such file.")
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_a_tampered_folder_ends_with_1(zoo, folder):
    row = Store(folder).rows()[0]
    file = folder / "runs" / f"{row.key}.json"
    content = json.loads(file.read_text())
    content["metrics"]["hit@5"][0] += 0.1
    file.write_text(json.dumps(content))
    told = zoo("verify", folder, code=1).stdout
    assert told.startswith("shelf: row: hit@5 is ")
    found = json.loads(zoo("verify", folder, "--json", code=1).stdout)
    assert found["ok"] is False
    assert {each["where"] for each in found["findings"]} >= {"shelf", "results.jsonl"}
    assert "ran again and reproduced: steep" in zoo("verify", folder, "--sample", 5, code=1).stdout
