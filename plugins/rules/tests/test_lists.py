import pytest
from shopzoo_rules.lists import AllowList, DenyList
from shopzoo_rules.params import ListParams

from zoo.api import ConfigError, DataError
from zoo.params import validated


def test_only_these_and_never_these(kept):
    params = ListParams(ids=["a", "d"])
    assert kept(AllowList(params), [1], []) == [[1, 4]] * 2
    assert kept(DenyList(params), [1], []) == [[2, 3, 5, 6]] * 2


def test_ids_are_text(kept):
    assert kept(AllowList(ListParams(ids=["007"])), [1]) == [[3]]
    assert ListParams(ids=[7, "x"]).ids == ["7", "x"]
    with pytest.raises(DataError):
        kept(AllowList(ListParams(ids=[7])), [1])


def test_unknown_ids_are_named_or_ignored(kept):
    message = (
        r"^deny-list: 2 of 3 ids are not in the catalogue: 'x', 'y'. Ids are compared as text. "
        r'Correct them, or set missing = "ignore".$'
    )
    with pytest.raises(DataError, match=message):
        kept(DenyList(ListParams(ids=["x", "a", "y"])), [1])
    assert kept(DenyList(ListParams(ids=["x", "a", "y"], missing="ignore")), [1]) == [[2, 3, 4, 5, 6]]
    with pytest.raises(DataError, match=r"allow-list: 7 of 7 ids .*: '0', '1', '2', '3', '4', \.\.\.\. Ids"):
        kept(AllowList(ListParams(ids=list(range(7)))), [1])


def test_a_file_is_read_beside_the_config_and_its_ids_become_part_of_it(kept, tmp_path):
    (tmp_path / "ids.txt").write_text("d\n\n  007 \n", encoding="utf-8-sig")
    params = validated(ListParams, {"ids": ["a"], "file": "ids.txt"}, "m", {"base": tmp_path})
    assert params.model_dump() == {"ids": ["a", "d", "007"], "file": None, "missing": "error"}
    assert kept(AllowList(params), [1]) == [[1, 3, 4]]
    (tmp_path / "ids.txt").unlink()
    assert validated(ListParams, params.model_dump(mode="json"), "m") == params


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r'^m: no ids: give `ids = \["a", "b"\]`, or a `file` with one id per line$'),
        ({"file": "none.txt"}, r"^m: /.*none\.txt: there is no such file\. Paths are relative to the experiment file$"),
        ({"file": "."}, r"^m: /.* is a folder, expected a text file with one id per line\. Paths are"),
        (
            {"file": "latin.txt"},
            r"^m: /.*latin\.txt is not UTF-8 text, expected one id per line: save it as UTF-8$",
        ),
        ({"ids": [True]}, r"^m\.ids\[1\]: expected a string, found true\.$"),
        ({"ids": "a", "file": "none.txt"}, r"^m\.ids: .*found 'a'\.$"),
    ],
)
def test_bad_parameters_are_explained(values, message, tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ConfigError, match=message):
        validated(ListParams, values, "m", {"base": tmp_path})
