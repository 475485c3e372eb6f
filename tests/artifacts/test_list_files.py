"""Files of queries and of lists: read and written in blocks, in each format the same; what is broken names its row."""

import csv
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.artifacts import query_files as reading
from zoo.artifacts.list_files import recommend_file
from zoo.artifacts.query_files import blocks
from zoo.artifacts.saving import load_artifact
from zoo.errors import DataError


@pytest.fixture(scope="module")
def artifact(saved):
    return load_artifact(saved["item-knn"])


@pytest.fixture
def rows(artifact):
    """Return users and histories of 30 queries, some of them new, some without a history."""
    users, items = artifact.user_ids.to_pylist(), artifact.catalogue.ids.to_pylist()[1:]
    return [
        {"user_id": users[i] if i % 3 else None, "history": items[i : i + i % 5] if i % 3 != 1 else None}
        for i in range(30)
    ]


def write(path, rows):
    """Write rows in the format of a path's ending."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=7)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["user_id", "history"])
            writer.writeheader()
            lists = [row["history"] for row in rows]
            texts = [None if entries is None else ",".join(entries) or " " for entries in lists]
            writer.writerows([{**row, "history": text} for row, text in zip(rows, texts, strict=True)])
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path):
    """Return the rows of a file of lists."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return [
            {
                "query": int(row["query"]),
                "user_id": row["user_id"] or None,
                "items": row["items"].split(",") if row["items"] else [],
                "scores": [float(s) if s else None for s in row["scores"].split(",")] if row["items"] else [],
                "served": row["served"],
            }
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
def test_lists_are_those_of_single_calls_in_every_format_and_any_block(artifact, rows, ending, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 8)
    file, out, done = write(tmp_path / f"q{ending}", rows), tmp_path / f"l{ending}", []
    notes, users = recommend_file(artifact, file, out, 4, progress=done.append), artifact.user_ids.to_pylist()
    assert done == [8, 16, 24, 30]
    assert notes.queries == 30
    for number, (row, found) in enumerate(zip(rows, read(out), strict=True), 1):
        (alone,) = artifact.recommend([row["user_id"]] if row["user_id"] else None, history=[row["history"]], k=4)
        assert found["query"] == number
        assert found["user_id"] == row["user_id"]
        assert found["items"] == [item.item_id for item in alone]
        scores = [(found_score, item.score) for found_score, item in zip(found["scores"], alone, strict=True)]
        assert all(a is b is None or a == pytest.approx(b, rel=1e-6) for a, b in scores)
        assert [item.fallback for item in alone] == [score is None for score in found["scores"]]
        known = row["history"] is None and artifact.histories.lengths[users.index(row["user_id"])]
        assert found["served"] == ("model" if row["history"] or known else "fallback")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([file.name, out.name])


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
def test_a_block_is_read_when_the_one_before_it_is_done(rows, ending, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 8)
    file = write(tmp_path / f"q{ending}", rows)
    if ending == ".parquet":
        content, groups = file.read_bytes(), pq.read_metadata(file)
        at = groups.row_group(groups.num_row_groups - 1).column(0).data_page_offset
        file.write_bytes(content[:at] + bytes(20) + content[at + 20 :])
    else:
        file.write_text(file.read_text() + ('{"user": 1}\n' if ending == ".jsonl" else "a,b,c\n"))
    read = blocks(file)
    assert [len(next(read).table) for _ in range(3)] == [8, 8, 8]
    with pytest.raises(DataError):
        list(read)


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
def test_no_query_gives_no_list(artifact, ending, tmp_path):
    file = tmp_path / f"q{ending}"
    if ending == ".parquet":
        pq.write_table(pa.table({"user_id": pa.array([], pa.string())}), file)
    else:
        file.write_text("user_id\n" if ending == ".csv" else "")
    assert recommend_file(artifact, file, tmp_path / f"l{ending}", 4).queries == 0
    assert read(tmp_path / f"l{ending}") == []


def test_empty_lines_at_the_end_are_no_rows(artifact, tmp_path):
    (tmp_path / "q.csv").write_text("user_id,history\nc000001,\n\n\n")
    assert recommend_file(artifact, tmp_path / "q.csv", tmp_path / "l.csv", 4).queries == 1


def test_a_list_is_shorter_where_nothing_is_left(artifact, tmp_path):
    known = artifact.catalogue.ids.to_pylist()[1:]
    n = int((artifact.pipeline.known & artifact.rules.eligible).sum())
    file = write(tmp_path / "q.jsonl", [{"history": known[:2]}])
    recommend_file(artifact, file, tmp_path / "l.parquet", 1000)
    (row,) = read(tmp_path / "l.parquet")
    assert n - 2 <= len(row["items"]) == len(row["scores"]) <= n


BROKEN = [
    (".csv", "user_id,history\na,b\na\n", "FILE, row 2: 1 fields, the header has 2. Mend the row."),
    (".csv", "user_id,history\na,b\nc,\na,b,c\n", "FILE, row 3: 3 fields, the header has 2. Mend the row."),
    (".csv", "user_id,history\na,b\n,\n", "FILE, row 2: user_id and history are empty, but a query needs a user_id or a history. Mend the row; for a new user without events write [] as history, in CSV a space."),
    (".csv", "user_id\na\n\nb\n", "FILE, row 2: is an empty line. Remove it."),
    (".jsonl", '{"user_id": 1}\n{"user_id": null}\n', "FILE, row 2: user_id and history are empty, but a query needs a user_id or a history. Mend the row; "),
    (".csv", "user_id,histroy\n", "FILE: 'histroy' is not a column of queries. Did you mean 'history'?"),
    (".csv", "history,history\n", "FILE: a column is named twice in the header. Rename one."),
    (".csv", "", "FILE: the file is empty, expected a header. Write it again."),
    (".csv", "user_id\na\n\xff\n", "FILE, row 2: user_id is not valid UTF-8. Write the file again as UTF-8."),
    (".csv", 'user_id\na\n" "\n', "FILE, row 2: user_id is empty, but a query needs a user_id or a history. Mend the row."),
    (".jsonl", '{"user_id": 1}\n{"user_id": ', "FILE, row 2: is not valid JSON ("),
    (".jsonl", '{"user_id": 1}\n[1]\n', "FILE, row 2: is [1], expected an object such as "),
    (".jsonl", '{"user_id": 1}\n{"user": 1}\n', "FILE, row 2: 'user' is not a column of queries. Did you mean 'user_id'?"),
    (".jsonl", '{"user_id": 1}\n{}\n', "FILE, row 2: neither a column 'user_id' nor 'history', but a query needs a user_id or a history."),
    (".jsonl", '{"user_id": 1.5}\n', "FILE, row 1: user_id has 1.5, expected text or a whole number. Mend the row."),
    (".jsonl", '{"history": "A"}\n', 'FILE, row 1: history is "A", expected a list. Mend the row.'),
    (".jsonl", '{"history": ["A", true]}\n', "FILE, row 1: history has true, expected texts or whole numbers in it."),
    (".parquet", "PAR1", "FILE: cannot be read as parquet: "),
]  # fmt: skip


@pytest.mark.parametrize(("ending", "text", "said"), BROKEN)
def test_what_is_broken_is_told_with_its_row_and_leaves_no_output(artifact, ending, text, said, tmp_path):
    file = tmp_path / f"q{ending}"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError) as error:
        recommend_file(artifact, file, tmp_path / "l.jsonl", 3)
    assert str(error.value).replace(str(file), "FILE").startswith(said)
    assert list(tmp_path.iterdir()) == [file]


def test_a_row_that_breaks_late_keeps_the_output_of_before(artifact, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 8)
    file, out = write(tmp_path / "q.jsonl", rows), tmp_path / "l.parquet"
    recommend_file(artifact, file, out, 3)
    before = out.read_bytes()
    file.write_text(file.read_text() + '{"history": [null]}\n')
    with pytest.raises(DataError, match=r"q\.jsonl, row 31: history has an empty entry"):
        recommend_file(artifact, file, out, 3)
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.parquet", "q.jsonl"]


def test_files_that_cannot_be_used(artifact, tmp_path):
    there = write(tmp_path / "q.jsonl", [{"history": []}])
    with pytest.raises(DataError, match=r"nowhere\.csv: there is no such file\. Give a file of queries\."):
        recommend_file(artifact, tmp_path / "nowhere.csv", tmp_path / "l.csv", 3)
    with pytest.raises(DataError, match=r"l\.xlsx: unknown format, expected \.parquet, \.csv, \.jsonl\."):
        recommend_file(artifact, there, tmp_path / "l.xlsx", 3)
    (tmp_path / "q.csv.gz").write_bytes(gzip.compress(b"user_id\n"))
    with pytest.raises(DataError, match=r"q\.csv\.gz: unknown format"):
        recommend_file(artifact, tmp_path / "q.csv.gz", tmp_path / "l.csv", 3)
    with pytest.raises(DataError, match=r"l\.csv cannot be written: File exists\. Choose another file\."):
        recommend_file(artifact, there, there / "l.csv", 3)


def test_an_id_with_a_comma_does_not_go_into_csv(artifact, tmp_path):
    from dataclasses import replace

    from zoo.data.catalogue import Catalogue

    ids = pa.array([None, *(f"{i},5" for i in range(1, len(artifact.catalogue)))])
    odd = replace(artifact, catalogue=Catalogue(ids, artifact.catalogue.table))
    file = write(tmp_path / "q.jsonl", [{"history": []}])
    with pytest.raises(DataError, match="has a comma in its id, and commas separate the entries of a list in CSV"):
        recommend_file(odd, file, tmp_path / "l.csv", 3)
    assert recommend_file(odd, file, tmp_path / "l.jsonl", 3).queries == 1
