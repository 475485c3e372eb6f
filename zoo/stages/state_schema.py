"""The schema of a stage's state: types and symbolic shapes, checked before a saved state is loaded.

A schema maps the name of an entry to its form:

| form | what the entry is |
| --- | --- |
| `"float32 [I, D]"` | a dense tensor with this dtype and shape; floating-point numbers are finite |
| `"csr float32 [I, D]"` | a sparse matrix in CSR layout |
| `"float64 [I] or nan"` | a tensor that may also hold NaN and infinite numbers |
| `"int64 [K] < I"` | integers from 0 to I - 1 |
| `"float32 [T, *] | none"` | a tensor, or null, or no entry |
| a type such as `int`, `list[str]` | a JSON value of this type, as pydantic validates it |
| `Annotated[list[str], "D"]` | the same with D entries; for an `int`, the number D |
| `NotRequired[int]` | the same, or no entry |
| a mapping | a JSON table with exactly these entries |
| `"any"` | anything; the numbers of a tensor are finite |

The sizes of an artifact are I (items with padding row 0), U (users) and E (event types). Every other symbol may have any
value, the same in all entries of the stage; `*` is any size, and `U + 1` is allowed. A name that ends with `*` stands for all
other names that begin so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, NotRequired, Union, get_args, get_origin

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from zoo.nn.sparse import is_finite

NONE, ANY = "none", "any"
_FORM = re.compile(r"(?P<csr>csr )?(?P<dtype>\w+) \[(?P<shape>[^]]*)\](?: < (?P<below>[^ ]+))?(?P<nan> or nan)?")
_SIZE = re.compile(r"(?P<number>\d+)|(?P<any>\*)|(?P<symbol>[A-Za-z]\w*)(?: ?(?P<shift>[+-] ?\d+))?")
_MISSING = object()


class TensorForm(NamedTuple):
    """The form of a tensor.

    Attributes:
        dtype: The name of the dtype.
        shape: The size of each axis: a number, a symbol, or `*`.
        sparse: Whether it is a matrix in CSR layout.
        below: The size that all its integers are below, or None.
        nan: Whether it may hold NaN and infinite numbers.
    """

    dtype: str
    shape: tuple[str, ...]
    sparse: bool
    below: str | None
    nan: bool


class Fitted(dict[str, Any]):
    """The attributes that `fit` sets, each with its form: `Fitted(vectors="float32 [I, D]", names=list[str])`.

    A saved state of another form is refused, so that a stage gets no tensor of another type, shape or vocabulary.
    """

    def __init__(self, **forms: Any) -> None:
        """Declare attributes.

        Raises:
            TypeError: A text is not the form of a tensor.
        """
        super().__init__(forms)
        for form in forms.values():
            if isinstance(form, str) and form != ANY:
                parse_form(form)


class _Sizes(dict[str, int]):
    """The sizes of symbols; a symbol gets the first size that it is compared with."""

    def fits(self, size: str, found: int) -> bool:
        """Return whether a size of a form is `found`, and bind its symbol if it has no value yet."""
        match = _SIZE.fullmatch(size)
        if match is None:
            raise TypeError(f"a size is {size!r}, expected a number, *, or a symbol such as I or U + 1")
        if match["any"]:
            return True
        if match["number"]:
            return found == int(match["number"])
        shift = int((match["shift"] or "0").replace(" ", ""))
        return found == self.setdefault(match["symbol"], found - shift) + shift

    def describe(self, text: str) -> str:
        """Return the symbols of a text that have a value, with it."""
        symbols = dict.fromkeys(re.findall(r"\b[A-Z]\b", text))
        values = ", ".join(f"{symbol} = {self[symbol]:,}" for symbol in symbols if symbol in self)
        return f" with {values}" if values else ""


def check_state(
    schema: Mapping[str, Any], tensors: Mapping[str, Tensor], values: Mapping[str, Any], sizes: Mapping[str, int]
) -> None:
    """Check the state of a stage against its schema; an empty schema accepts every state.

    Args:
        schema: The form of each entry.
        tensors: The tensors of the state.
        values: Its JSON values.
        sizes: The sizes of the symbols that are known.

    Raises:
        ValueError: An entry is missing, unknown, or has another form; the message says what was expected and found.
    """
    if not schema:
        return
    bound, entries = _Sizes(sizes), {**values, **tensors}
    for name, form in schema.items():
        if not name.endswith("*"):
            _check(name, entries.pop(name, _MISSING), form, bound)
    for name, entry in entries.items():
        pattern = next((key for key in schema if key.endswith("*") and name.startswith(key[:-1])), None)
        if pattern is None:
            raise ValueError(f"{name}: expected no entry of this name; the entries are {', '.join(schema)}")
        _check(name, entry, schema[pattern], bound)


@cache
def parse_form(form: str) -> tuple[TensorForm | None, ...]:
    """Return the alternatives of a tensor form; None is the alternative without a tensor.

    Raises:
        TypeError: The text is not a form.
    """
    return tuple(None if part == NONE else _parse_tensor_form(part) for part in form.split(" | "))


def _parse_tensor_form(text: str) -> TensorForm:
    match = _FORM.fullmatch(text)
    if match is None or str(getattr(torch, match["dtype"], None)) != f"torch.{match['dtype']}":
        raise TypeError(
            f'the form of a tensor is {text!r}, expected one such as "float32 [I, D]" or "csr float32 [I, D]"'
        )
    shape = tuple(size.strip() for size in match["shape"].split(",")) if match["shape"] else ()
    return TensorForm(match["dtype"], shape, bool(match["csr"]), match["below"], bool(match["nan"]))


def _check(name: str, entry: Any, form: Any, bound: _Sizes) -> None:
    """Check one entry.

    Raises:
        ValueError: It has another form.
    """
    if isinstance(form, str):
        if form != ANY:
            _check_tensor(name, entry, form, bound)
        elif isinstance(entry, Tensor) and not _is_finite(entry):
            raise ValueError(f"{name}: expected finite numbers, found NaN or an infinite one")
    elif isinstance(form, Mapping):
        if not isinstance(entry, dict) or set(entry) != set(form):
            raise ValueError(f"{name}: expected a table with {', '.join(form)}, found {_describe(entry)}")
        for key, inner in form.items():
            _check(f"{name}.{key}", entry[key], inner, bound)
    else:
        _check_value(name, entry, form, bound)


def _check_tensor(name: str, entry: Any, form: str, bound: _Sizes) -> None:
    """Check a tensor, or its absence, against the alternatives of a form."""
    alternatives = parse_form(form)
    if entry is None or entry is _MISSING:
        if None in alternatives:
            return None
    elif isinstance(entry, Tensor):
        for alternative in alternatives:
            trial = _Sizes(bound)
            if alternative is not None and _has_form(entry, alternative, trial):
                bound.update(trial)
                return _check_numbers(name, entry, alternative, bound)
    raise ValueError(f"{name}: expected {form}{bound.describe(form)}, found {_describe(entry)}")


def _has_form(tensor: Tensor, form: TensorForm, bound: _Sizes) -> bool:
    """Return whether a tensor has the layout, the dtype and the shape of a form."""
    return (
        tensor.layout == (torch.sparse_csr if form.sparse else torch.strided)
        and tensor.dtype == getattr(torch, form.dtype)
        and len(tensor.shape) == len(form.shape)
        and all(bound.fits(size, found) for size, found in zip(form.shape, tensor.shape, strict=True))
    )


def _check_numbers(name: str, tensor: Tensor, form: TensorForm, bound: _Sizes) -> None:
    """Check the numbers of a tensor whose type and shape are right."""
    if not form.nan and not _is_finite(tensor):
        raise ValueError(f"{name}: expected finite numbers, found NaN or an infinite one")
    if form.below is not None and tensor.numel():
        limit, (least, most) = bound[form.below], map(int, tensor.aminmax())
        if least < 0 or most >= limit:
            raise ValueError(f"{name}: expected numbers from 0 to {limit - 1:,}, found {least:,} to {most:,}")


def _check_value(name: str, entry: Any, form: Any, bound: _Sizes) -> None:
    """Check a JSON value against a type, and its size against the symbols of the type."""
    if get_origin(form) is NotRequired:
        if entry is _MISSING:
            return
        (form,) = get_args(form)
    called = form.__name__ if isinstance(form, type) else str(form).replace("typing.", "")
    try:
        if entry is _MISSING or isinstance(entry, Tensor):
            raise ValueError(f"{name}: expected {called}, found {_describe(entry)}")
        _adapter(form).validate_python(entry, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = "".join(f".{part}" for part in problem["loc"] if isinstance(part, str | int))
        raise ValueError(
            f"{name}{place}: expected {called}, found {str(problem['input'])[:60]!r} ({problem['msg']})"
        ) from None
    for size in () if entry is None else _size_symbols(form):
        found = entry if isinstance(entry, int) else len(entry)
        if not bound.fits(size, found):
            what = "the number" if isinstance(entry, int) else "entries:"
            raise ValueError(f"{name}: expected {what} {size}{bound.describe(size)}, found {found:,}")


def _size_symbols(form: Any) -> Iterator[str]:
    """Yield the sizes that a type is annotated with."""
    if get_origin(form) is Annotated:
        yield from (mark for mark in get_args(form)[1:] if isinstance(mark, str))
    elif get_origin(form) in (Union, UnionType):
        for part in get_args(form):
            yield from _size_symbols(part)


@cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)


def _is_finite(tensor: Tensor) -> bool:
    return is_finite(tensor.values() if tensor.layout == torch.sparse_csr else tensor)


def _describe(entry: Any) -> str:
    """Describe an entry for a message."""
    if entry is _MISSING:
        return "nothing"
    if not isinstance(entry, Tensor):
        return f"{type(entry).__name__} {str(entry)[:60]!r}"
    layout = "csr " if entry.layout == torch.sparse_csr else ""
    return f"{layout}{str(entry.dtype).removeprefix('torch.')} {list(entry.shape)}"
