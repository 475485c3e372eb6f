"""Columns of the user table that predictors and rankers declare: in a benchmark, in an artifact, and where they are missing."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import zoo
from zoo.artifacts.manifest import NAME, add_checksum, file_digest
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.artifacts.user_columns import USER_VALUES
from zoo.benchmark.fits.keys import predictor_key
from zoo.config.load import experiment_from
from zoo.data.user_table import UserTable
from zoo.errors import ArtifactError, ConfigError, DataError
from zoo.pipeline.part_fits import PredictorFit
from zoo.registry.registry import Registry
from zoo.stages.context import RunContext
from zoo.stages.stage import TrainingData
from zoo.stages.user_columns import UserColumns

PLUGINS = [Path(__file__).parents[1] / "examples" / "plugins" / "segments.py"]
SEGMENTS = {"predictor": "segment-popular"}
THRIFTY = {"label": "thrifty", "predictor": "popular", "rankers": ["thrifty"]}
N = 60


def table():
    return UserTable(
        pa.array([None, "a", "b", "c"]),
        pa.table({"age": [None, 20, 30, None], "city": [None, "Graz", None, None], "hidden": [None, 1, 1, 1]}),
    )


def test_columns_become_numbers_codes_and_shares_by_user_number():
    columns = UserColumns.of(table(), ("age", "city"))
    assert columns.numbers("age").nan_to_num(-1).tolist() == [-1, 20, 30, -1]
    assert columns.codes("city").tolist() == [0, 1, 0, 0]
    assert columns.shares("city").rows(torch.tensor([1, 0])).tolist() == [[1], [0]]
    with pytest.raises(DataError) as error:
        columns.numbers("hidden")
    assert str(error.value) == (
        "the user column 'hidden' is not declared. Add it to `user_columns` of the component's Capabilities. Declared: age, city."
    )
    assert columns.users.described().tolist() == [False, True, True, False]
    with pytest.raises(DataError, match=r"Declared: none\."):
        UserColumns.none().numbers("age")


@pytest.fixture
def frames():
    """Return events in which each of two segments buys its own half of the items, the items, and the users."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(N), 8)
    items = rng.integers(0, 20, len(users)) + 20 * (users % 2)
    events = {
        "user_id": [f"u{u}" for u in users],
        "item_id": items,
        "timestamp": 1_700_000_000_000 + rng.permutation(len(users)),
    }
    about = {
        "user_id": [f"u{u}" for u in range(N + 5)],
        "segment": ["even" if u % 2 == 0 else "odd" for u in range(N + 5)],
        "age": [20.0 if u % 4 < 2 else 60.0 for u in range(N + 5)],
    }
    return pa.table(events), pa.table({"item_id": np.arange(40), "price": np.arange(40) + 1.0}), pa.table(about)


def bench(frames, *models, folder=None, **options):
    log = zoo.read_log(frames[0], frames[1], users=frames[2])
    split = zoo.LeaveLastOut(validation=False)
    return zoo.bench(
        list(models), log, split=split, metrics=["ndcg@10"], references=False, plugins=PLUGINS, out=folder, **options
    )


def test_a_predictor_reads_them_in_a_benchmark(frames):
    rows = {row.label: row for row in bench(frames, "popular", SEGMENTS, THRIFTY).rows()}
    assert [row.error for row in rows.values()] == [None] * 3
    assert rows["segment-popular"].metrics["ndcg@10"][0] > 1.2 * rows["popular"].metrics["ndcg@10"][0]
    assert rows["thrifty"].metrics["ndcg@10"][0] != rows["popular"].metrics["ndcg@10"][0]


def test_an_artifact_serves_users_by_id_with_their_columns(frames, tmp_path):
    log = zoo.read_log(frames[0], frames[1], users=frames[2])
    found = {}
    for name, model in (("segments", SEGMENTS), ("thrifty", THRIFTY)):
        shop = zoo.fit(model, log, out=tmp_path / name, plugins=PLUGINS)
        again = zoo.load_artifact(tmp_path / name, plugins=PLUGINS)
        users = ["u0", "u1", "u2", "u3", "nobody"]
        for artifact in (shop, again):
            lists = artifact.recommend(users, k=5)
            found[name] = [[item.item_id for item in items] for items in lists]
            assert found[name] == found.setdefault(f"{name} again", found[name])
    of_segment = [{int(item) // 20 for item in items} for items in found["segments"]]
    assert of_segment[:4] == [{0}, {1}, {0}, {1}]
    assert of_segment[4] == {0, 1}  # the fallback: the popular items of all users
    popular = zoo.fit("popular", log).recommend(["u0", "u2", "nobody"], k=5)
    plain = [[item.item_id for item in items] for items in popular]
    assert found["thrifty"][2] == plain[1]  # an older user
    assert found["thrifty"][4] == plain[2]  # an unknown user
    assert found["thrifty"][0] != plain[0]


def test_an_artifact_keeps_the_columns_of_its_rankers_and_no_others(frames, tmp_path):
    log = zoo.read_log(frames[0], frames[1], users=frames[2])
    zoo.fit(THRIFTY, log, out=tmp_path / "thrifty", plugins=PLUGINS)
    zoo.fit(SEGMENTS, log, out=tmp_path / "segments", plugins=PLUGINS)
    zoo.fit("popular", log, out=tmp_path / "popular")
    assert pq.read_table(tmp_path / "thrifty" / USER_VALUES).column_names == ["age"]
    assert not (tmp_path / "segments" / USER_VALUES).exists()
    assert not (tmp_path / "popular" / USER_VALUES).exists()


def test_an_artifact_without_the_columns_that_it_needs_is_refused(frames, tmp_path):
    log = zoo.read_log(frames[0], frames[1], users=frames[2])
    zoo.fit(THRIFTY, log, out=tmp_path / "whole", plugins=PLUGINS)
    damaged = shutil.copytree(tmp_path / "whole", tmp_path / "damaged")
    _change(damaged, lambda table: None)
    with pytest.raises(ArtifactError) as error:
        zoo.load_artifact(damaged, plugins=PLUGINS)
    assert str(error.value) == (
        f"{damaged}: thrifty reads the user columns age, and the artifact has no {USER_VALUES}. Save the artifact again."
    )
    _change(damaged, lambda table: pa.table({"years": [1] * N}))
    with pytest.raises(
        ArtifactError, match=r"thrifty reads the user columns age, and user_columns.parquet has years\. Save"
    ):
        zoo.load_artifact(damaged, plugins=PLUGINS)
    _change(damaged, lambda table: pa.table({"age": [1.0] * 7}))
    with pytest.raises(ArtifactError, match=rf"{USER_VALUES} has 7 rows, and the artifact has {N} users\. Save"):
        zoo.load_artifact(damaged, plugins=PLUGINS)
    _change(damaged, lambda table: b"nonsense")
    with pytest.raises(ArtifactError, match=rf"{USER_VALUES} is not a valid parquet file"):
        zoo.load_artifact(damaged, plugins=PLUGINS)


def _change(folder, change):
    """Replace the user columns of an artifact, and make its manifest agree."""
    path, manifest = folder / USER_VALUES, json.loads((folder / NAME).read_text())
    manifest.pop("checksum")
    found = change(None)
    manifest["files"].pop(USER_VALUES, None)
    if found is None:
        path.unlink()
    else:
        path.write_bytes(found) if isinstance(found, bytes) else pq.write_table(found, path)
        manifest["files"][USER_VALUES] = {"size": path.stat().st_size, "blake2b": file_digest(path), "tensors": {}}
    (folder / NAME).write_text(add_checksum(manifest))


def test_a_missing_table_or_column_is_one_error_before_the_first_fit(frames):
    events, items, users = frames
    with pytest.raises(ConfigError) as error:
        bench((events, items, None), "popular", SEGMENTS)
    assert str(error.value) == (
        "segment-popular: segment-popular reads the user column 'segment', and the data have no user table. Give the `source` of "
        "[data] a file of `users` (in Python, `read_log(..., users=...)`), or leave the columns out."
    )
    with pytest.raises(ConfigError) as error:
        bench((events, items, users.rename_columns(["user_id", "sgment", "age"])), SEGMENTS)
    assert str(error.value) == (
        "segment-popular: segment-popular reads the user column 'segment', and the users have sgment, age. Did you mean 'sgment'? "
        'Map a column of the users, data.user_columns = { segment = "sgment" } (in Python, user_columns={"segment": "sgment"}), or '
        "choose another one in the parameters."
    )


def test_judged_lists_have_no_users():
    raw = {
        "task": "rank",
        "data": {"source": {"name": "judged-files", "train": "a.parquet", "test": "b.parquet"}},
        "model": [{"label": "a", "rankers": ["thrifty"]}],
    }
    with pytest.raises(
        ConfigError, match="thrifty reads the item columns price and the user columns age, which judged lists"
    ):
        experiment_from(raw, registry=Registry.discover(PLUGINS))


def test_users_of_the_table_without_an_event_in_training_are_known(frames):
    events, items, users = frames
    late = pa.table({"user_id": ["u60"] * 2, "item_id": [0, 2], "timestamp": [1_700_000_001_000, 1_700_000_002_000]})
    log = zoo.read_log(pa.concat_tables([events, late.cast(events.schema)]), items, users=users)
    shop = zoo.fit(SEGMENTS, log, split=zoo.Temporal(cuts=[0.99]), plugins=PLUGINS)
    number = log.user_ids.to_pylist().index("u60") + 1
    assert shop.pipeline.known_users[number]
    assert not zoo.fit("popular", log, split=zoo.Temporal(cuts=[0.99])).pipeline.known_users[number]
    assert {int(item.item_id) // 20 for item in shop.recommend("u60", k=5)} == {0}


def test_the_key_of_a_cached_fit_covers_the_declared_columns_only(frames):
    log = zoo.read_log(frames[0], users=frames[2])
    registry = Registry.discover(PLUGINS)

    def key(predictor, users):
        raw = {"data": {"source": "synthetic-shop"}, "model": [{"predictor": predictor}]}
        (model,) = experiment_from(raw, registry=registry).models
        columns = UserColumns.of(users, model.predictor.capabilities.user_columns)
        data = TrainingData.of(log.log, log.catalogue, user_columns=columns)
        return predictor_key(PredictorFit(model, model.predictor.build(), data, RunContext()))

    swapped = replace(log.users, table=log.users.table.set_column(0, "segment", log.users.table["segment"].take(
        pa.array([0, *range(len(log.users) - 1, 0, -1)])
    )))  # fmt: skip
    older = replace(log.users, table=log.users.table.set_column(1, "age", pa.array([1.0] * len(log.users))))
    assert key("segment-popular", log.users) == key("segment-popular", older) != key("segment-popular", swapped)
    assert key("popular", log.users) == key("popular", None)


def test_real_users(data_dir):
    """What the users of an occupation like, on MovieLens."""
    folder = data_dir / "ml-100k"
    log = zoo.read_log(folder / "interactions.parquet", folder / "items.parquet", users=folder / "users.parquet")
    assert log.users.columns == ["age", "gender", "occupation", "zip_code"]
    assert "users of the log that the user table lacks" not in log.notes
    models = ["popular", {"predictor": {"name": "segment-popular", "column": "gender"}}]
    rows = zoo.bench(models, log, metrics=["ndcg@10"], references=False, plugins=PLUGINS).rows()
    assert [row.error for row in rows] == [None, None]
    assert rows[0].metrics["ndcg@10"][0] != rows[1].metrics["ndcg@10"][0]


LEARNED = {
    "label": "learned", "predictor": "popular", "rankers": [{"name": "lambdamart", "trees": 30, "min_data": 1}],
    "candidate_features": {"groups": ["score", "popularity"], "user_columns": ["segment", "age"]},
}  # fmt: skip


def test_rankers_that_learn_read_them_as_features_and_an_artifact_serves_by_them(frames, tmp_path):
    log = zoo.read_log(frames[0], frames[1], users=frames[2])
    split = zoo.Temporal(cuts=[0.5, 0.6, 0.8])
    plain = {**LEARNED, "label": "plain", "candidate_features": {"groups": ["score", "popularity"]}}
    result = zoo.bench([LEARNED, plain], log, split=split, metrics=["ndcg@10"], references=False)
    learned, without = (row.metrics["ndcg@10"][0] for row in result.rows())
    assert learned > 1.2 * without
    shop = zoo.fit(LEARNED, log, split=split, out=tmp_path / "shop")
    again = zoo.load_artifact(tmp_path / "shop")
    assert pq.read_table(tmp_path / "shop" / USER_VALUES).column_names == ["segment", "age"]
    found = [a.recommend(["u0", "u1", "nobody"], k=5, history=[[], [], []]) for a in (shop, again)]
    items = [[[item.item_id for item in items] for items in lists] for lists in found]
    assert items[0] == items[1]
    with pytest.raises(ConfigError) as error:
        zoo.fit({**LEARNED, "candidate_features": {"user_columns": ["segmnt"]}}, log, split=split)
    assert str(error.value).startswith(
        "learned: candidate_features reads the user column 'segmnt', and the users have segment, age. Did you mean 'segment'?"
    )


def test_an_artifact_whose_features_lack_their_users_is_refused(frames, tmp_path):
    log = zoo.read_log(frames[0], frames[1], users=frames[2])
    zoo.fit(LEARNED, log, split=zoo.Temporal(cuts=[0.5, 0.6, 0.8]), out=tmp_path / "shop")
    _change(tmp_path / "shop", lambda table: None)
    with pytest.raises(
        ArtifactError, match="candidate_features reads the user columns segment, age, and the artifact has no"
    ):
        zoo.load_artifact(tmp_path / "shop")


def test_unknown_users_are_counted_and_their_columns_named_as_missing(frames, tmp_path):
    log = zoo.read_log(frames[0], frames[1], users=frames[2])
    for model, expected in ((THRIFTY, "queries of unknown users, whose columns count as missing: 1 ('nobody')"),
                            (SEGMENTS, "queries of unknown users: 1 ('nobody')")):  # fmt: skip
        notes = QueryWarnings()
        zoo.fit(model, log, plugins=PLUGINS).lists(pa.table({"user_id": ["u0", "nobody"]}), 5, notes=notes)
        assert notes.messages()[0] == expected
