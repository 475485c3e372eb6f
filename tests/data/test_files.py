"""Files of every format give the same tables, leave nothing behind, and bad ones are named."""

import gzip
import io
import json
import os
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.config.experiment import DataSettings
from zoo.data.dataset import Tables
from zoo.data.dataset_params import FilesParams, HubParams
from zoo.data.files import Files, Hub, file_table
from zoo.data.fingerprint import fingerprint
from zoo.data.log import read_data
from zoo.errors import ConfigError, DataError
from zoo.params import validated

ROWS = [
    {"user_id": "007", "item_id": "NA", "timestamp": 1_700_000_000_000, "price": 1.5},
    {"user_id": "7", "item_id": "null", "timestamp": 1_700_000_001_000, "price": 2.0},
    {"user_id": "007", "item_id": "1e5", "timestamp": 1_700_000_002_000, "price": None},
]
TABLE = pa.Table.from_pylist(ROWS)


@pytest.fixture(autouse=True)
def cache_of_datasets(tmp_path, monkeypatch):
    """Put the cache of `datasets` where a test can see whether anything is written to it."""
    folder = tmp_path / "cache-of-datasets"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    return folder


def open_zstd(file, mode, encoding):
    return io.TextIOWrapper(pa.output_stream(str(file), compression="zstd"), encoding)


def write(file, table=TABLE):
    """Write a table in the format that the file's name tells."""
    opened = {".gz": gzip.open, ".zst": open_zstd}.get(file.suffix, open)
    kind = file.name.removesuffix(".gz").removesuffix(".zst").rsplit(".", 1)[1]
    if kind == "parquet":
        pq.write_table(table, file, row_group_size=2)
    elif kind in ("csv", "tsv"):
        sep = "," if kind == "csv" else "\t"
        lines = [
            table.column_names,
            *(["" if v is None else str(v) for v in row.values()] for row in table.to_pylist()),
        ]
        with opened(file, "wt", encoding="utf-8") as out:
            out.write("".join(sep.join(line) + "\n" for line in lines))
    elif kind in ("jsonl", "ndjson"):
        with opened(file, "wt", encoding="utf-8") as out:
            out.write("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    elif kind == "json":
        with opened(file, "wt", encoding="utf-8") as out:
            json.dump(table.to_pylist(), out)
    elif kind == "arrow":
        with pa.ipc.new_stream(str(file), table.schema) as out:
            out.write_table(table)
    else:
        pyarrow.feather.write_feather(table, str(file))
    return file


def text(file, content):
    file.write_text(content, encoding="utf-8")
    return file


def read(interactions, items=None, **more):
    paths = [str(p) for p in (interactions if isinstance(interactions, list) else [interactions])]
    given = {"interactions": paths, **({"items": [str(items)]} if items else {}), **more}
    return Files(FilesParams.model_validate(given)).read()


def log_of(tables, **settings):
    return read_data(tables, DataSettings.model_validate({"source": "files", **settings}))


def refused(*args, **kwargs):
    with pytest.raises(DataError) as error:
        log_of(read(*args), **kwargs)
    return str(error.value)


FORMATS = [
    "parquet", "csv", "csv.gz", "tsv", "tsv.gz", "jsonl", "jsonl.gz", "csv.zst", "jsonl.zst", "ndjson", "json", "json.gz", "arrow", "feather",
]  # fmt: skip


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_gives_the_same_log(tmp_path, ending, cache_of_datasets, capfd):
    folder = tmp_path / "with [brackets] and #signs"
    folder.mkdir()
    data = log_of(read(write(folder / f"events.{ending}")))
    ids = data.catalogue.ids.to_pylist()
    assert data.user_ids.to_pylist() == ["007", "7"]
    assert [[ids[i] for i in row] for row in (data.log.items[:2], data.log.items[2:])] == [["NA", "1e5"], ["null"]]
    assert data.log.times.tolist() == [1_700_000_000_000, 1_700_000_002_000, 1_700_000_001_000]
    assert data.log.column("price").to_pylist() == [1.5, None, 2.0]
    again = log_of(Tables(TABLE))
    assert fingerprint(data.log, data.catalogue, data.user_ids) == fingerprint(
        again.log, again.catalogue, again.user_ids
    )
    assert not list(cache_of_datasets.rglob("*"))
    assert os.listdir(folder) == [f"events.{ending}"]
    assert capfd.readouterr() == ("", "")


def test_several_files_are_one_table_and_a_row_is_named_in_its_own(tmp_path):
    write(tmp_path / "b.csv", TABLE.slice(1))
    write(tmp_path / "a.csv", TABLE.slice(0, 1))
    for paths in ([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "*.csv"):
        assert len(log_of(read(paths)).log) == 3
    text(tmp_path / "c.csv", "user_id,item_id,timestamp\n1,2,1700000000000\n,2,1700000000000\n")
    assert refused(tmp_path / "*.csv") == (
        f"{tmp_path / 'c.csv'}, row 2: user_id is empty, expected an id (rows without user_id: 1). "
        'Correct the data, or drop these rows: data.null_ids = "drop" (in Python, null_ids="drop").'
    )


def test_several_files_must_be_of_one_form(tmp_path):
    write(tmp_path / "a.parquet")
    write(tmp_path / "b.parquet", TABLE.rename_columns(["user", "item_id", "timestamp", "price"]))
    assert refused(tmp_path / "*.parquet") == (
        f"{tmp_path / 'b.parquet'}: no column 'user_id', which {tmp_path / 'a.parquet'} has. "
        "Did you mean 'user'? Its columns: user, item_id, timestamp, price. Use files with the same columns."
    )
    write(tmp_path / "b.parquet", TABLE.set_column(2, "timestamp", pa.array([["x"]] * 3)))
    assert "the files' columns are of different types" in refused(tmp_path / "*.parquet")


def test_only_the_columns_asked_for_are_read(tmp_path, monkeypatch):
    seen, read_batches = [], pq.ParquetFile.iter_batches

    def watch(self, *args, **kwargs):
        seen.append(kwargs["columns"])
        return read_batches(self, *args, **kwargs)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watch)
    data = log_of(read(write(tmp_path / "events.parquet")))
    assert seen[-1:] == [["user_id", "item_id", "timestamp"]]
    data.log.column("price")
    assert seen[-1] == ["price"]


def test_a_delimiter_may_be_said(tmp_path):
    file = text(tmp_path / "events.csv", "user_id;item_id;timestamp\n1;a,b;1700000000000\n")
    assert log_of(read(file, delimiter=";")).catalogue.ids.to_pylist() == [None, "a,b"]


@pytest.mark.parametrize(
    ("name", "separator", "written"),
    [("e.csv", ";", '";"'), ("e.csv", "\t", r'"\t"'), ("e.csv", "|", '"|"'), ("e.tsv", ",", '","')],
)
def test_a_header_with_another_delimiter_is_told(tmp_path, name, separator, written):
    file = text(tmp_path / name, separator.join(["user_id", "item_id", "timestamp"]) + "\n")
    assert refused(file) == (
        f"{file}: the header is a single field, {separator.join(['user_id', 'item_id', 'timestamp'])!r}, and seems to be separated by "
        f"{separator!r}. Set delimiter = {written} in data.source (in Python, delimiter={written})."
    )


def test_csv_fields_may_be_quoted_and_the_file_may_start_with_a_mark(tmp_path):
    file = text(tmp_path / "e.csv", '\ufeffuser_id,item_id,timestamp,note\n1,"a,""b""",1700000000000,"two\nlines"\n')
    data = log_of(read(file))
    assert data.catalogue.ids.to_pylist() == [None, 'a,"b"']
    assert data.log.column("note").to_pylist() == ["two\nlines"]


def test_an_index_column_without_a_name_is_left_alone(tmp_path):
    file = text(tmp_path / "e.csv", ",user_id,item_id,timestamp\n0,1,a,1700000000000\n")
    items = text(tmp_path / "i.csv", ",item_id,title\n0,a,A hat\n")
    data = log_of(read(file, items))
    assert data.catalogue.column("title").to_pylist() == [None, "A hat"]


def test_paths_start_from_the_experiment_file(tmp_path):
    params = validated(
        FilesParams, {"interactions": "data/e.csv", "items": ["i.csv"]}, "data.source", {"base": tmp_path}
    )
    assert params.interactions == [str(tmp_path / "data/e.csv")]
    assert params.items == [str(tmp_path / "i.csv")]
    absolute = validated(FilesParams, {"interactions": str(tmp_path / "e.csv")}, "", {"base": Path("elsewhere")})
    assert absolute.interactions == [str(tmp_path / "e.csv")]
    with pytest.raises(ConfigError, match=r"data.source.interactions: expected a list, found 5"):
        validated(FilesParams, {"interactions": 5}, "data.source")


def test_files_that_are_not_there_are_refused(tmp_path):
    write(tmp_path / "events.parquet")
    text(tmp_path / "event.parquet.md", "which no reader takes")
    assert refused(tmp_path / "event.parquet") == (
        f"{tmp_path / 'event.parquet'}: the file does not exist. Did you mean 'events.parquet'? Paths in an experiment file are relative to it."
    )
    assert refused(tmp_path / "nowhere" / "e.csv") == (
        f"{tmp_path / 'nowhere' / 'e.csv'}: the folder {tmp_path / 'nowhere'} does not exist. "
        "Paths in an experiment file are relative to it."
    )
    assert refused(tmp_path / "*.csv") == (
        f"{tmp_path / '*.csv'}: no file matches this pattern. Paths in an experiment file are relative to it."
    )
    assert refused(Path("nowhere.csv")).startswith(f"{Path.cwd() / 'nowhere.csv'}: the file does not exist.")


def test_a_folder_is_the_files_in_it(tmp_path):
    folder = tmp_path / "events"
    (folder / "b").mkdir(parents=True)
    (folder / "_temporary").mkdir()
    assert refused(folder) == (
        f"{folder}: the folder has no file that can be read, expected .parquet, .csv, .tsv, .json, .jsonl, .ndjson, .arrow, .feather."
    )
    write(folder / "b" / "2.parquet", TABLE.slice(1))
    write(folder / "a.parquet", TABLE.slice(0, 1))
    for skipped in ("_SUCCESS", ".hidden.parquet", "_metadata.parquet", "_temporary/3.parquet"):
        text(folder / skipped, "x")
    assert file_table(folder).files == [folder / "a.parquet", folder / "b" / "2.parquet"]
    assert len(log_of(read(folder)).log) == 3
    write(folder / "c.csv")
    assert refused(folder) == (
        f"{folder}: the folder has files of several formats, such as a.parquet and c.csv. "
        f"Use a pattern such as {folder}/**/*.parquet."
    )


def test_a_file_that_is_named_twice_is_refused(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("user_id,item_id\n1,2\n")
    with pytest.raises(
        DataError, match=r"a\.csv: named twice, by .*a\.csv' and by .*\*\.csv'; its rows would count twice"
    ):
        file_table([str(tmp_path / "a.csv"), str(tmp_path / "*.csv")])


def test_a_folder_tells_what_it_does_not_read(tmp_path):
    (tmp_path / "a.csv").write_text("user_id,item_id\n1,2\n")
    (tmp_path / "part-0").write_text("user_id,item_id\n1,2\n")
    (tmp_path / "_SUCCESS").touch()
    with pytest.warns(UserWarning, match=r"1 file of another format not read, such as part-0; expected \.parquet"):
        assert [file.name for file in file_table(tmp_path).files] == ["a.csv"]


def test_a_format_that_is_not_known_is_refused(tmp_path):
    for name in ("events.xlsx", "events", "events.parquet.gz"):
        assert refused(text(tmp_path / name, "x")) == (
            f"{tmp_path / name}: unknown format, expected .parquet, .csv, .tsv, .json, .jsonl, .ndjson, .arrow, .feather, "
            "or .csv, .tsv, .json, .jsonl with .gz or .zst. Rename a file of text to .tsv if tabs separate its columns, or to .csv "
            "and set delimiter = ... in data.source."
        )


def test_empty_files_are_refused(tmp_path):
    file = text(tmp_path / "e.csv", "")
    assert refused(file) == (
        f"{file}: the file is empty (0 bytes), expected a table. Recreate it, or choose another file."
    )
    header = text(tmp_path / "h.csv", "user_id,item_id,timestamp\n")
    assert refused(header) == f"{header}: the table has no rows, expected one row per event. Choose another file."
    for ending in ("parquet", "arrow", "json"):
        file = write(tmp_path / f"none.{ending}", TABLE.slice(0, 0))
        message = refused(file)
        assert message.startswith(f"{file}: the ")
        assert " has no rows, expected " in message


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("e.parquet", b"not parquet at all", "cannot be read as parquet: "),
        ("e.csv", b"user_id,item_id,timestamp\n1,2,3\n1,2,3,4\n", "cannot be read as csv: line 3 has 4 fields, the header 3. Correct"),
        ("e.csv", b"user_id,item_id,timestamp\n1,2,3,4\n1,2,3,4\n", "cannot be read as csv: line 2 has 4 fields, the header 3. Correct"),
        ("e.csv", b'user_id,item_id,timestamp\n1,"2\n,",3\n1,2,3,4\n', "cannot be read as csv: line 4 has 4 fields, the header 3. Correct"),
        ("e.csv", b'user_id,item_id,timestamp\n1,"2,3\n', "cannot be read as csv: Error tokenizing data"),
        ("e.csv", b"user_id,item_id,timestamp\n1,\xe9,3\n", "cannot be read as csv: line 2 is not UTF-8 (byte 0xe9), perhaps Latin-1 "
         "or Windows-1252, expected UTF-8. Correct"),
        ("e.csv.gz", gzip.compress(b"user_id,item_id,\xfcber\n1,2,3\n", mtime=0), "cannot be read as csv: line 1 is not UTF-8 (byte 0xfc)"),
        ("e.csv.gz", b"not gzip", "cannot be read as csv: "),
        ("e.jsonl", b'{"user_id": 1\n{"user_id"', "cannot be read as json: "),
        ("e.arrow", b"not arrow at all", "cannot be read as arrow: "),
        ("e.csv", b"a,b,a\n1,2,3\n", "two columns are named 'a'. Rename one."),
    ],
)  # fmt: skip
def test_broken_files_are_named_with_the_reason(tmp_path, name, content, reason, capfd):
    (tmp_path / name).write_bytes(content)
    message = refused(tmp_path / name)
    assert message.startswith(f"{tmp_path / name}: {reason}")
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")


def test_ids_in_another_encoding_are_refused(tmp_path):
    file = tmp_path / "e.jsonl"
    rows = [f'{{"user_id": "{user}", "item_id": "1", "timestamp": 1700000000000}}\n' for user in ("a", "b", "é")]
    file.write_bytes("".join(rows).encode("latin-1"))
    assert refused(file) == (f"{file}, row 3: user_id is not valid UTF-8. Save the file as UTF-8.")


@pytest.mark.parametrize("name", ["timestamp", "event", "title"])
def test_texts_in_another_encoding_are_refused_in_every_column(tmp_path, name):
    stray = pa.Array.from_buffers(pa.string(), 3, pa.array([b"2020-01-01", b"\xe9", b"2020-01-03"]).buffers())
    table = {"user_id": ["a", "b", "c"], "item_id": ["x", "y", "z"], "timestamp": pa.array([1, 2, 3]), name: stray}
    file = tmp_path / "e.parquet"
    events = pa.table({column: table[column] for column in table if column != "title"})
    items = pa.table({"item_id": table["item_id"], "title": stray}) if name == "title" else None
    pq.write_table(events if items is None else items, file)
    with pytest.raises(DataError, match=f"row 2: {name} is not valid UTF-8. Save the file as UTF-8."):
        zoo.read_log(events if items is not None else file, None if items is None else file)


def test_a_file_that_changes_between_two_reads_is_refused(tmp_path):
    file = write(tmp_path / "e.parquet")
    data = log_of(read(file))
    write(file, TABLE.slice(1))
    with pytest.raises(DataError) as error:
        data.log.column("price")
    assert str(error.value) == f"{file}: the file has changed since it was first read. Load the data again."


def test_a_hub_dataset_is_read_by_config_and_split(tmp_path):
    repository = tmp_path / "shop"
    repository.mkdir()
    write(repository / "events.csv")
    text(repository / "items.csv", "item_id,title\nNA,A hat\n")
    text(repository / "users.csv", "user_id,age\na,20\n")
    text(
        repository / "README.md",
        "---\nconfigs:\n- config_name: events\n  data_files: [{split: test, path: events.csv}]\n"
        "- config_name: items\n  data_files: [{split: full, path: items.csv}]\n"
        "- config_name: users\n  data_files: [{split: test, path: users.csv}]\n---\n",
    )
    given = {"dataset": str(repository), "cache": str(tmp_path / "cache")}
    params = {"config": "events", "split": "test", "items": "items", "items_split": "full", "users": "users"}
    tables = Hub(HubParams.model_validate({**given, **params})).read()
    assert tables.interactions.column_names == TABLE.column_names
    assert tables.interactions.select(["timestamp"]).column(0).to_pylist() == [row["timestamp"] for row in ROWS]
    assert tables.items.num_rows == 1
    assert tables.items_from == f"{repository} (items, full)"
    assert (tables.users.num_rows, tables.users_from) == (1, f"{repository} (users, test)")
    with pytest.raises(DataError) as error:
        Hub(HubParams.model_validate({**given, "config": "event", "split": "test"})).read()
    assert str(error.value).startswith(f"hub dataset '{repository}' (config 'event', split 'test') cannot be read: ")
    assert str(error.value).endswith("Check the names on the dataset's page, and the connection.")
