"""The page of what plugins get says of each attribute what it is, and forgets none."""

import re
from dataclasses import fields, replace
from inspect import Parameter, signature
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

from zoo import api
from zoo.api import Candidates, Capabilities, Exclusions, RankingData, RunContext
from zoo.testing.data import shop

PAGE, _, METHODS = (
    (Path(__file__).parents[1] / "docs/reference/data-model.md").read_text().partition("## The methods of a stage")
)
NOT_TOLD = {"Interactions": {"source", "rows"}}
"""Where `column` has it from."""
SECTIONS = re.split(r"^## `(\w+)`$", PAGE, flags=re.MULTILINE)[1:]
TOLD = {
    name: re.findall(r"^\| `([^`]+)` \|\s*([^|]*?)\s*\|\s*([^|]*?)\s*\|", text, re.MULTILINE)
    for name, text in zip(SECTIONS[::2], SECTIONS[1::2], strict=True)
}
ROWS = [pytest.param(cls, *row, id=f"{cls}.{row[0]}") for cls, table in TOLD.items() for row in table]
LENGTH = 5


@pytest.fixture(scope="module")
def things():
    """Return one of each class, from the kit's shop."""
    world = shop()
    queries = world.prepare_queries(world.queries, Capabilities())
    h, scores = queries.histories, torch.rand(len(queries), world.log.n_items + 1)
    exclusions = Exclusions(
        torch.tensor([0, 4]), torch.from_numpy(h.rows), torch.from_numpy(h.items).long(), scores > 0.1
    )
    found = [
        world.data(Capabilities(features="required")), world.training, world.catalogue, queries, h, queries.batch(LENGTH),
        world.features, world.labelled, RankingData.of(world.labelled), RunContext(), exclusions,
        replace(Candidates.best(scores, 8), filled=torch.rand(len(queries), 8) > 0.5),
    ]  # fmt: skip
    return {type(thing).__name__: thing for thing in found}


@pytest.fixture
def answer(things):
    """Return a function that gives what an attribute is, or what a method returns."""

    def of(thing, name):
        value = getattr(thing, name)
        if not callable(value) or name in ("validate", "callbacks"):
            return value
        n, items = len(things["Queries"]), things["Candidates"].items
        rows = {"Interactions": "Interactions", "RankingData": "RankingData"}.get(type(thing).__name__, "Queries")
        values = {
            "name": "price", "names": ["title"], "length": LENGTH, "device": "cpu", "places": np.array([1, 0]),
            "label": "a label", "done": 1, "total": 2, "scores": torch.rand(n, things["Interactions"].n_items + 1),
            "items": items, "kept": np.ones(len(things[rows]), bool),
            "share": 0.5, "rng": np.random.default_rng(0),
        }  # fmt: skip
        plain = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        needed = [p for p in signature(value).parameters.values() if p.default is Parameter.empty and p.kind in plain]
        return value(*(values[p.name] for p in needed))

    return of


@pytest.fixture
def size(things):
    """Return a function that gives the length of an axis, as in `U + 1`."""
    log, queries, lists = (things[name] for name in ("Interactions", "Queries", "RankingData"))
    sizes = {
        "U": log.n_users, "N": len(log), "I": log.n_items + 1, "E": 2, "B": len(queries), "K": 8, "D": 6, "F": 2,
        "L": LENGTH, "M": int(queries.lengths.sum()), "X": 2, "Q": len(lists), "C": len(lists.items),
    }  # fmt: skip

    def of(axis, cls):
        here = {**sizes, "B": len(things["CandidateLists"].items)} if cls == "CandidateLists" else sizes
        if cls == "Catalogue":
            here = {**here, "M": len(things["Catalogue"].categories("price")[0])}
        return sum(int(part) if part.isdigit() else here[part] for part in axis.split(" + "))

    return of


def described(value):
    """Return the type of a value, as the page has it."""
    if isinstance(value, np.ndarray):
        return value.dtype.name
    if isinstance(value, torch.Tensor):
        return str(value.dtype)
    if scipy.sparse.issparse(value):
        return f"{type(value).__name__} {value.dtype}"
    others = {"NoneType": "None", "_GeneratorContextManager": "context manager"}
    return others.get(type(value).__name__, type(value).__name__)


@pytest.mark.parametrize(("cls", "said", "kind", "shape"), ROWS)
def test_each_attribute_is_what_is_said_of_it(things, answer, size, cls, said, kind, shape):
    name = said.partition("(")[0]
    found = answer(things[cls], name)
    kinds, shapes = kind.split(", "), re.findall(r"\[([^]]+)\]", shape)
    found = found if len(kinds) > 1 else (found,)
    for value, expected in zip(found, kinds, strict=True):
        assert described(value) in expected.split(" or ")
    for value, axes in zip(found, shapes, strict=False):
        lengths = tuple(value.shape) if hasattr(value, "shape") else (len(value),)
        assert lengths == tuple(size(axis, cls) for axis in axes.split(", "))


@pytest.mark.parametrize(("cls", "said"), [(row.values[0], row.values[1]) for row in ROWS if "(" in row.values[1]])
def test_each_method_is_called_as_is_said(things, cls, said):
    name = said.partition("(")[0]
    takes = signature(getattr(things[cls], name))
    bare = [p.replace(annotation=Parameter.empty) for p in takes.parameters.values() if p.name != "options"]
    assert said == f"{name}{takes.replace(parameters=bare, return_annotation=Parameter.empty)}"


@pytest.mark.parametrize("cls", TOLD)
def test_no_field_is_forgotten(cls):
    missing = {field.name for field in fields(getattr(api, cls))} - {said.partition("(")[0] for said, *_ in TOLD[cls]}
    assert missing == NOT_TOLD.get(cls, set())


def test_the_methods_of_a_stage_take_what_is_said():
    told = re.findall(r"^\| `(\w+)\.(\w+)\(([^)]*)\)`", METHODS, re.MULTILINE)
    assert len(told) == 18
    for cls, name, names in told:
        assert list(signature(getattr(getattr(api, cls), name)).parameters)[1:] == [
            name for name in names.split(", ") if name
        ]
