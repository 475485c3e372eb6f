"""Declared forms of a state: what they accept, and how a refusal is worded."""

from typing import Annotated, Any, NotRequired

import pytest
import torch

from zoo.stages.state_schema import Fitted, check_state

SIZES = {"I": 4, "U": 2, "E": 1}


def csr(dense):
    return torch.tensor(dense).to_sparse_csr()


def problem(schema, *, sizes=SIZES, **entries):
    """Return the message of the refusal, or an empty string."""
    tensors = {name: entry for name, entry in entries.items() if isinstance(entry, torch.Tensor)}
    values = {name: entry for name, entry in entries.items() if name not in tensors}
    try:
        check_state(schema, tensors, values, sizes)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("form", "entry"),
    [
        ("float32 [I, D]", torch.zeros(4, 3)),
        ("float32 [4, *]", torch.zeros(4, 0)),
        ("float32 []", torch.zeros(())),
        ("int64 [U + 1]", torch.zeros(3, dtype=torch.int64)),
        ("csr float32 [I, I]", csr([[0.0, 1.0, 0.0, 0.0]] * 4)),
        ("float32 [2] | csr float32 [I, 2]", csr([[0.0, 1.0]] * 4)),
        ("int32 [N] < I", torch.tensor([0, 3, 3], dtype=torch.int32)),
        ("float64 [I] or nan", torch.tensor([1.0, float("nan"), float("inf"), 0.0]).double()),
        ("float32 [I] | none", None),
        (list[str], ["a", "b"]),
        (Annotated[list[str], "I - 1"], ["a", "b", "c"]),
        (Annotated[list[str], "T"] | None, None),
        (Annotated[int, "U"], 2),
        (dict[str, list[str]], {"a": []}),
        ({"n": Annotated[int, "I"], "m": bool}, {"n": 4, "m": True}),
        ("any", torch.zeros(7)),
        ("any", {"x": 1}),
    ],
)
def test_what_has_the_form_is_accepted(form, entry):
    assert problem({"x": form}, x=entry) == ""


@pytest.mark.parametrize(
    ("form", "entry", "message"),
    [
        ("float32 [I, D]", torch.zeros(5, 3), "x: expected float32 [I, D] with I = 4, found float32 [5, 3]"),
        ("float32 [I]", torch.zeros(4).double(), "x: expected float32 [I] with I = 4, found float64 [4]"),
        ("float32 [I]", torch.zeros(4, 1), "x: expected float32 [I] with I = 4, found float32 [4, 1]"),
        ("float32 [I, *]", csr([[1.0]] * 4), "x: expected float32 [I, *] with I = 4, found csr float32 [4, 1]"),
        ("csr float32 [I, D]", torch.zeros(4, 2), "x: expected csr float32 [I, D] with I = 4, found float32 [4, 2]"),
        ("float32 [I]", torch.tensor([0.0, 1.0, float("nan"), 0.0]), "x: expected finite numbers, found NaN or an infinite one"),
        ("any", torch.tensor([float("-inf")]), "x: expected finite numbers, found NaN or an infinite one"),
        ("int64 [N] < I", torch.tensor([0, 4]), "x: expected numbers from 0 to 3, found 0 to 4"),
        ("int64 [N] < I", torch.tensor([-1, 3]), "x: expected numbers from 0 to 3, found -1 to 3"),
        ("float32 [I]", None, "x: expected float32 [I] with I = 4, found NoneType 'None'"),
        ("float32 [I]", "text", "x: expected float32 [I] with I = 4, found str 'text'"),
        (list[str], ["a", 1], "x.1: expected list[str], found '1' (Input should be a valid string)"),
        (bool, 1, "x: expected bool, found '1' (Input should be a valid boolean)"),
        (int, torch.zeros(1), "x: expected int, found float32 [1]"),
        (Annotated[list[str], "I - 1"], ["a"], "x: expected entries: I - 1 with I = 4, found 1"),
        (Annotated[int, "U"], 10**12, "x: expected the number U with U = 2, found 1,000,000,000,000"),
        ({"n": int}, {"n": 1, "m": 2}, "x: expected a table with n, found dict \"{'n': 1, 'm': 2}\""),
        ({"n": int}, {"n": "1"}, "x.n: expected int, found '1' (Input should be a valid integer)"),
    ],
)  # fmt: skip
def test_what_has_another_form_is_explained(form, entry, message):
    assert problem({"x": form}, x=entry) == message


def test_a_symbol_has_one_size_in_all_entries():
    schema = {"left": "float32 [I, D]", "right": "float32 [K, D]", "names": Annotated[list[str], "D"]}
    left = torch.zeros(4, 2)
    assert problem(schema, left=left, right=torch.zeros(9, 2), names=["a", "b"]) == ""
    assert problem(schema, left=left, right=torch.zeros(9, 3), names=["a", "b"]) == (
        "right: expected float32 [K, D] with D = 2, found float32 [9, 3]"
    )
    assert problem(schema, left=left, right=torch.zeros(9, 2), names=["a"]) == (
        "names: expected entries: D with D = 2, found 1"
    )


def test_entries_are_neither_missing_nor_unknown_unless_the_schema_says_so():
    schema = {"a": "float32 [I]", "members-*": "csr float32 [I, *]", "b": NotRequired[int]}
    a = torch.zeros(4)
    assert problem(schema, a=a) == ""
    assert problem(schema, a=a, b=2, **{"members-0": csr([[1.0]] * 4), "members-1": csr([[1.0, 1.0]] * 4)}) == ""
    assert problem(schema) == "a: expected float32 [I] with I = 4, found nothing"
    assert problem(schema, a=a, c=1) == "c: expected no entry of this name; the entries are a, members-*, b"
    assert problem(schema, a=a, **{"members-0": torch.zeros(4, 1)}).startswith("members-0: expected csr float32 [I, *]")


def test_an_empty_schema_accepts_everything():
    assert problem({}, x=torch.tensor([float("nan")]), y=object()) == ""


@pytest.mark.parametrize("form", ["float32", "float33 [I]", "float32 [I", "float [I]", "sparse float32 [I]"])
def test_a_text_that_is_no_form_is_refused_where_it_is_declared(form):
    with pytest.raises(TypeError, match="expected one such as"):
        Fitted(x=form)


def test_a_size_that_is_no_size_is_refused():
    with pytest.raises(TypeError, match=r"a size is '2 I', expected a number"):
        problem({"x": "float32 [2 I]"}, x=torch.zeros(2))


def test_declared_attributes_are_a_table():
    declared: dict[str, Any] = Fitted(a="float32 [I]", b=int)
    assert declared == {"a": "float32 [I]", "b": int}
