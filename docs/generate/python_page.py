"""Generate the page of the public Python names: tables of all names, and signature and docstring of what users call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from generate.markdown import GENERATED, keys_table, page, rows
from zoo.benchmark.results_folder.store import Store

MODULES = {
    "zoo": "For users: read a log, compare models, fit one, recommend.",
    "zoo.api": "For plugin authors: the base classes of the stages, their data, specs, parameters and errors. "
    "[Write a plugin](../how-to/write-a-plugin.md), [Data model](data-model.md) and [Hooks](hooks.md) describe them.",
    "zoo.nn": "Building blocks of models. A plugin may import these from `zoo.nn` or from the submodule that defines them.",
    "zoo.testing": "The [conformance checks](conformance.md), for the tests of a plugin.",
}
DETAILED = "zoo"
"""The module whose names have a section each."""
EXAMPLE = """```python
import pandas as pd

import zoo

orders, products = pd.read_csv("orders.csv"), pd.read_csv("products.csv")
log = zoo.read_log(orders, products, user_id="customer", item_id="sku", timestamp="date")
models = {"als": zoo.load("als"), "ease": zoo.load("ease", l2=500.0)}
table = zoo.bench(models, log, split=zoo.Temporal(cuts=[0.8, 0.9]), metrics=["ndcg@10"])
print(table)

shop = zoo.fit("ease", log)
print(shop.recommend(users=["c000001", "c000002"], k=10).to_pandas())
print(shop.recommend(history=["p00001", "p00007"], k=10, exclude=["p00003"], where={"category": "coffee"}))
print(shop.similar(["p00001"], k=5))
shop = shop.update_items(pd.read_csv("prices.csv"), item_id="sku")
shop.save("artifacts/ease")
```"""
WHOLE = ("Artifact", "BenchmarkResult", "Recommendations")
"""The classes whose methods are described in full."""
STORE = ("artifact", "lists", "manifest", "rows")
"""What users call of the store that `BenchmarkResult` extends; the rest is for benchmarks and reports."""
SECTIONS = ("Args", "Returns", "Raises", "Attributes", "Example", "Yields")


def python_page() -> str:
    """Return the page."""
    parts = [
        "# Python names",
        GENERATED,
        "Four modules are public: `zoo` for users, `zoo.api` and `zoo.nn` for plugin authors, and `zoo.testing` for the tests of "
        "plugins. Other modules may change without notice. Importing a public module is fast, because each name is imported at its "
        "first use. A stub next to each module tells type checkers and editors where a name is defined. "
        "[Use the zoo from Python](../how-to/python.md) explains what the example does; its ids (`c000001`, `p00001`) are of the built-in "
        "shop. `log.user_ids` and `log.catalogue.ids` list those of your data.",
    ]
    for module, about in MODULES.items():
        names = [name for name in import_module(module).__all__ if not name.startswith("_")]
        parts += [f"## {module}", about]
        if module == DETAILED:
            parts.append(EXAMPLE)
        parts.append(rows(("name", "what it is"), ((f"`{name}`", _summary(module, name)) for name in names)))
        if module == DETAILED:
            parts += [part for name in names for part in _section(module, name)]
    return page(parts)


def _summary(module: str, name: str) -> str:
    """Return the first sentence about a name."""
    found = getattr(import_module(module), name)
    return _first_sentence(found) if callable(found) else f"A constant: `{found!r}`."


def _first_sentence(found: Any) -> str:
    """Return the first sentence of a docstring; pydantic begins some with a box, which is skipped."""
    paragraphs = (inspect.getdoc(found) or "").split("\n\n")
    first = next((text for text in paragraphs if not text.startswith("!!!")), "").replace("\n", " ").strip()
    return first.partition(". ")[0].rstrip(".:") + "."


def _brackets(function: Any) -> str:
    """Return the brackets of a call for a method, nothing for a property."""
    return "()" if inspect.isfunction(function) else ""


def _section(module: str, name: str) -> Iterator[str]:
    """Yield the parts of the section of a name."""
    found = getattr(import_module(module), name)
    yield f"### `{module}.{name}`"
    if isinstance(found, type) and issubclass(found, BaseModel):
        yield from _text(inspect.getdoc(found) or "")
        yield keys_table(found.model_json_schema(), without="policy")
        return
    if not isinstance(found, type):
        yield _call(f"{module}.{name}", found)
    yield from _text(inspect.getdoc(found) or "")
    if isinstance(found, type):
        methods = list(_methods(found))
        if name not in WHOLE:
            yield (
                rows(("attribute", "what it is"), ((f"`{m}{_brackets(f)}`", _first_sentence(f)) for m, f in methods))
                if methods
                else ""
            )
            return
        for method, function in methods:
            yield f"#### `{name}.{method}`"
            if inspect.isfunction(function):
                yield _call(f"{name}.{method}", function)
            yield from _text(inspect.getdoc(function) or "")


def _methods(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that the package defines for a class, in alphabetical order."""
    for name in sorted(dir(kind)):
        owner = next((c for c in kind.__mro__ if name in vars(c)), object)
        if name.startswith("_") or not owner.__module__.startswith("zoo.") or (owner is Store and name not in STORE):
            continue
        raw = vars(owner)[name]
        function = raw.__func__ if isinstance(raw, classmethod | staticmethod) else raw
        if inspect.isfunction(function) or isinstance(function, property | cached_property):
            yield name, function


def _call(name: str, function: Any) -> str:
    """Return the signature of a function as a block of text."""
    signature = inspect.signature(function)
    kept = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    lines: list[str] = []
    keyword = False
    for parameter in kept:
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            keyword = True
            lines.append("*")
        lines.append(_parameter(parameter))
    one = f"{name}({', '.join(lines)})"
    shown = one if len(one) <= 100 else f"{name}(\n" + "".join(f"    {line},\n" for line in lines) + ")"
    returned = signature.return_annotation
    arrow = "" if returned is inspect.Signature.empty else f" -> {returned}"
    return f"```text\n{shown}{arrow}\n```"


def _parameter(parameter: inspect.Parameter) -> str:
    """Return a parameter with its annotation and default."""
    marks: dict[Any, str] = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
    stars = marks.get(parameter.kind, "")
    kind = "" if parameter.annotation is inspect.Parameter.empty else f": {parameter.annotation}"
    shown = "..." if callable(parameter.default) else repr(parameter.default)
    default = "" if parameter.default is inspect.Parameter.empty else f" = {shown}"
    return f"{stars}{parameter.name}{kind}{default}"


def _text(doc: str) -> Iterator[str]:
    """Yield the parts of a Google-style docstring as markdown."""
    section = ""
    for paragraph in re.split(r"\n\n(?!\n)", doc):
        head, _, rest = paragraph.partition("\n")
        block = paragraph
        if head.rstrip(":") in SECTIONS and head.endswith(":"):
            section, block = head.rstrip(":"), inspect.cleandoc(rest)
            yield f"**{section}**"
        if section in ("Args", "Raises", "Attributes"):
            yield "\n".join(_entries(block))
        elif section == "Example" or block.startswith("    "):
            yield f"```text\n{inspect.cleandoc(block)}\n```"
        else:
            yield inspect.cleandoc(block).replace("\n", " ")


def _entries(block: str) -> Iterator[str]:
    """Yield the entries of a section of arguments, attributes or errors as a list."""
    for entry in re.split(r"\n(?=\S)", inspect.cleandoc(block)):
        name, _, meaning = entry.partition(": ")
        yield f"- `{name}`: {' '.join(meaning.split())}"
