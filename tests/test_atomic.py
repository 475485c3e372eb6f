"""Files and folders are written whole or not at all."""

import pytest

from zoo.atomic import write_atomically, write_folder_atomically


class Stopped(BaseException):
    """As Ctrl-C raises."""


def fail_in_file(path, error):
    with write_atomically(path) as temporary:
        temporary.write_text("half")
        raise error


def fail_in_folder(path, error):
    with write_folder_atomically(path) as temporary:
        (temporary / "b").write_text("half")
        raise error


def write_where_another_writes(path):
    with write_folder_atomically(path, replace=False) as temporary:
        (temporary / "a").write_text("new")
        path.mkdir()
        (path / "b").write_text("another's")


def test_a_file_is_there_when_it_is_complete_and_not_before(tmp_path):
    path = tmp_path / "below" / "file.txt"
    with write_atomically(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, ValueError, Stopped])
def test_after_an_error_the_file_before_is_kept_and_nothing_else(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(error):
        fail_in_file(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, ValueError, Stopped])
def test_after_an_error_the_folder_before_is_kept_and_nothing_else(tmp_path, error):
    path = tmp_path / "folder"
    with write_folder_atomically(path) as temporary:
        (temporary / "a").write_text("old")
    with pytest.raises(error):
        fail_in_folder(path, error)
    assert [p.name for p in path.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for name in ("a", "b"):
        with write_folder_atomically(tmp_path / "folder") as temporary:
            (temporary / name).write_text("")
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_the_old_folder_comes_back_where_the_new_one_cannot_be_renamed(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "a").write_text("old")
    with pytest.raises(FileNotFoundError), write_folder_atomically(path) as temporary:
        temporary.rmdir()
    assert [p.name for p in path.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_to_be_replaced_stays(tmp_path):
    path = tmp_path / "folder"
    with pytest.raises(OSError, match="not empty"):
        write_where_another_writes(path)
    assert [p.name for p in path.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [path]
