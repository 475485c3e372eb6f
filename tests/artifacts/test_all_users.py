"""Lists for all users of an artifact: shards that are written once, by one artifact, with the same arguments."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.artifacts.all_users import LISTS, ListsCall, recommend_all_users
from zoo.artifacts.artifact import Artifact
from zoo.artifacts.list_files import recommend_file
from zoo.artifacts.saving import load_artifact, save_artifact
from zoo.artifacts.user_shards import ShardWriter
from zoo.benchmark.executors.choose import choose_executor
from zoo.errors import ArtifactError, ConfigError, DataError, ResultsError

CALL = ListsCall(k=5, shard_users=16)


def here(prepare, request, tasks, threads):
    """Do the shards in this process, one after the other."""
    return map(prepare(request), tasks) if tasks else iter(())


def killed_after(n):
    """Return a way to do shards that ends after some of them, as Ctrl-C does."""

    def mapped(prepare, request, tasks, threads):
        for at, task in enumerate(tasks):
            if at == n:
                raise KeyboardInterrupt
            yield prepare(request)(task)

    return mapped


def content(out):
    """Return the bytes of each file."""
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture
def artifact(saved):
    return saved["item-knn"]


@pytest.fixture
def lists(artifact, tmp_path):
    """Return a complete folder of lists."""
    recommend_all_users(artifact, tmp_path / "lists", CALL, here)
    return tmp_path / "lists"


def test_the_lists_are_those_of_a_file_of_all_users(artifact, lists, tmp_path):
    users = load_artifact(artifact).user_ids
    pq.write_table(pa.table({"user_id": users}), tmp_path / "users.parquet")
    recommend_file(load_artifact(artifact), tmp_path / "users.parquet", tmp_path / "file.parquet", 5)
    found, expected = (pq.read_table(path).to_pydict() for path in (lists, tmp_path / "file.parquet"))
    for name in ("user_id", "items", "served"):
        assert found[name] == expected[name]
    for ours, theirs in zip(found["scores"], expected["scores"], strict=True):
        assert ours == pytest.approx(theirs)  # blocks of another size round differently
    assert sorted(path.name for path in lists.iterdir()) == [LISTS, *(f"part-{at:06}.parquet" for at in range(3))]
    assert json.loads((lists / LISTS).read_text())["complete"] is True


@pytest.mark.parametrize("executor", ["local", "processes=2"])
def test_an_executor_writes_the_same_files(artifact, lists, tmp_path, executor):
    written = recommend_all_users(artifact, tmp_path / "out", CALL, choose_executor(text=executor).map)
    assert content(tmp_path / "out") == content(lists)
    assert (written.users, written.written, written.shards) == (40, 40, 3)


def test_an_interrupted_command_goes_on_with_the_missing_shards(artifact, lists, tmp_path):
    out, seen = tmp_path / "out", []
    with pytest.raises(KeyboardInterrupt):
        recommend_all_users(artifact, out, CALL, killed_after(1))
    assert json.loads((out / LISTS).read_text())["complete"] is False
    before = (out / "part-000000.parquet").stat().st_mtime_ns
    written = recommend_all_users(artifact, out, CALL, here, progress=lambda users, of: seen.append((users, of)))
    assert content(out) == content(lists)
    assert (out / "part-000000.parquet").stat().st_mtime_ns == before
    assert written.written == 24
    assert seen == [(16, 40), (32, 40), (40, 40)]
    assert recommend_all_users(artifact, out, CALL, here).written == 0


def test_a_shard_that_fails_leaves_nothing(artifact, tmp_path, monkeypatch):
    def fails(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ShardWriter, "_block", fails)
    with pytest.raises(
        ResultsError, match=r"part-000000\.parquet cannot be written: No space left on device\. Free some"
    ):
        recommend_all_users(artifact, tmp_path / "out", CALL, here)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [LISTS]


@pytest.mark.parametrize(("call", "difference"), [
    (ListsCall(k=6, shard_users=16), "--k is 5 there and 6 here"),
    (ListsCall(k=5, shard_users=20), "--shard-users is 16 there and 20 here"),
    (ListsCall(k=5, shard_users=16, exclude=("p00001",)), r"--exclude is \[\] there and \['p00001'\] here"),
    (ListsCall(k=5, shard_users=16, where={"category": "tea"}), '--where is {} there and {"category": "tea"} here'),
    (ListsCall(k=5, shard_users=16, now="2030-01-01"), "--now is None there and 2030-01-01 here"),
])  # fmt: skip
def test_shards_of_other_arguments_are_not_mixed(artifact, lists, call, difference):
    before = content(lists)
    with pytest.raises(ResultsError, match=rf"holds other lists: {difference}\. Choose another folder, or remove"):
        recommend_all_users(artifact, lists, call, here)
    assert content(lists) == before


def test_shards_of_another_artifact_are_not_mixed(saved, lists, tmp_path):
    with pytest.raises(
        ResultsError, match=r"the artifact is another one \(item-knn, 40 users\)\. Choose another folder"
    ):
        recommend_all_users(saved["transition-graph"], lists, CALL, here)
    other = tmp_path / "other"
    recommend_all_users(saved["transition-graph"], other, CALL, here)
    shutil.copy(lists / "part-000001.parquet", other)
    with pytest.raises(
        ResultsError, match=r"part-000001\.parquet belongs to other lists\. Remove it, and run the same"
    ):
        recommend_all_users(saved["transition-graph"], other, CALL, here)


def test_other_folders_and_damaged_shards_are_refused(artifact, lists, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(ResultsError, match=r"holds notes\.txt, and no _lists\.json: it is no folder of lists\. Choose"):
        recommend_all_users(artifact, tmp_path / "mine", CALL, here)
    (lists / "part-000002.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        ResultsError, match=r"part-000002\.parquet is damaged \(.*\)\. Remove it, and run the same command"
    ):
        recommend_all_users(artifact, lists, CALL, here)
    (lists / LISTS).write_text("{}")
    with pytest.raises(
        ResultsError, match=r"_lists\.json is damaged, or of another version\. Choose another folder, or remove"
    ):
        recommend_all_users(artifact, lists, CALL, here)


def test_wrong_arguments_that_wrote_nothing_do_not_take_the_folder(artifact, lists, tmp_path):
    wrong = ListsCall(k=5, shard_users=16, where={"category": "nowhere"})
    with pytest.raises(DataError, match="no item has category = 'nowhere'"):
        recommend_all_users(artifact, tmp_path / "out", wrong, here)
    recommend_all_users(artifact, tmp_path / "out", CALL, here)
    assert content(tmp_path / "out") == content(lists)


def test_rules_and_new_items_hold_for_every_list(saved, tmp_path):
    items = tmp_path / "items.csv"
    items.write_text("item_id,title,category,brand,price\nnew,dark coffee,coffee,acme,3.5\n")
    for file, error in ((items, DataError), (tmp_path / "nowhere.csv", ConfigError)):
        with pytest.raises(error, match=r"new items|--new-items .*nowhere\.csv: there is no such file\."):
            recommend_all_users(saved["whole"], tmp_path / "out", ListsCall(new_items=file), here)
    taken = (
        pq.read_table(tmp_path / "out" / "part-000000.parquet")
        if (tmp_path / "out" / "part-000000.parquet").exists()
        else None
    )
    assert taken is None
    recommend_all_users(saved["item-knn"], tmp_path / "rules", ListsCall(exclude=("p00001", "nothing")), here)
    assert "p00001" not in pq.read_table(tmp_path / "rules")["items"].combine_chunks().flatten().to_pylist()


def test_warnings_and_counts_of_all_shards_are_returned(artifact, tmp_path):
    call = ListsCall(k=5, shard_users=16, exclude=("nothing",), now="1990-01-01")
    written = recommend_all_users(artifact, tmp_path / "out", call, here)
    assert [text.partition(":")[0] for text in written.warnings] == ["exclude"]
    assert written.notes.queries == 40
    assert written.notes.without_history == 40
    assert written.notes.later > 0


def test_an_artifact_without_histories_is_refused(shop, fitted, tmp_path):
    save_artifact(Artifact.of(fitted["item-knn"], shop), tmp_path / "bare", histories=False)
    with pytest.raises(
        ArtifactError, match=r"bare has no histories of its users, so each of them would get the fallback\."
    ):
        recommend_all_users(tmp_path / "bare", tmp_path / "out", CALL, here)


def test_an_artifact_that_was_replaced_ends_the_command(shop, fitted, saved, tmp_path):
    folder = save_artifact(Artifact.of(fitted["item-knn"], shop), tmp_path / "artifact")

    def mapped(prepare, request, tasks, threads):
        save_artifact(Artifact.of(fitted["transition-graph"], shop), folder)
        yield prepare(request)(0)

    with pytest.raises(ArtifactError, match="was replaced while its lists were written"):
        recommend_all_users(folder, tmp_path / "out", CALL, mapped)
    with pytest.raises(
        ArtifactError, match=r"nowhere: there is no such folder\. Give the folder that `zoo fit` wrote\."
    ):
        recommend_all_users(tmp_path / "nowhere", tmp_path / "out", CALL, here)


def test_a_process_that_does_not_see_the_folder_says_so(artifact, tmp_path):
    def mapped(prepare, request, tasks, threads):
        return map(prepare({**request, "out": "/nowhere"}), tasks)

    with pytest.raises(
        ResultsError, match=r"the folder /nowhere is not there\. Put the artifact and the lists on a file system"
    ):
        recommend_all_users(artifact, tmp_path / "out", CALL, mapped)
    assert ShardWriter.__module__ == "zoo.artifacts.user_shards"  # other processes import it by this name
