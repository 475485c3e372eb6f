"""Metadata: what a component says of itself before anything of it is run."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from zoo.config.resolved import digest
from zoo.testing.check import check
from zoo.testing.requirement import ALL_STAGES, require
from zoo.testing.subject import BASES, Subject

PICKLES = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve")
RUNS_CODE = ("eval", "exec", "__import__")


@check(
    *ALL_STAGES, needs="spec",
    sentence="The summary is one sentence.",
    remedy="Say in one line of at most 160 characters what it does, with a capital at the start and a full stop at the end.",
)  # fmt: skip
def summary(subject: Subject) -> None:
    """`zoo list` shows it in a row, and `zoo show` at the top: it is how somebody chooses."""
    said = subject.component.spec.summary
    fits = 10 <= len(said) <= 160 and said.endswith(".") and not said[0].islower() and "\n" not in said
    require(fits, f"it is {said!r}")


@check(
    *ALL_STAGES, needs="spec", only="those that name a work", when=lambda s: bool(s.component.spec.citation),
    sentence="A citation can be looked up.",
    remedy="Name authors, title, venue and year; leave `citation` empty where there is no such work.",
)  # fmt: skip
def citation(subject: Subject) -> None:
    """It has a year and more than a name, so that a reader finds the work and knows what the component claims to be."""
    said = subject.component.spec.citation
    require(bool(re.search(r"\b(1[89]|20)\d\d\b", said)) and len(said) >= 20, f"it is {said!r}")


@check(
    *ALL_STAGES, needs="spec", only="those of installed plugins", when=lambda s: not s.component.plugin.is_file,
    sentence="The plugin says under which licence it may be used.",
    remedy='Set `license` under `[project]` in pyproject.toml, such as license = "Apache-2.0".',
)  # fmt: skip
def licence(subject: Subject) -> None:
    """The metadata of the installed distribution are read: an expression, a text, or a classifier."""
    try:
        found = metadata(subject.component.plugin.distribution)
    except PackageNotFoundError:
        require(False, f"no distribution {subject.component.plugin.distribution!r} is installed")
        return
    said = [*(found.get_all("License-Expression") or ()), *(found.get_all("License") or ())]
    said += [c for c in found.get_all("Classifier") or () if c.startswith("License ::")]
    require(bool(said), f"the metadata of {subject.component.plugin.distribution} name no licence")


@check(
    *ALL_STAGES, needs="spec",
    sentence="Every parameter is described.",
    remedy="Write a docstring under each field of the `Params` class, or `Field(..., description=...)`.",
)  # fmt: skip
def params_described(subject: Subject) -> None:
    """Help, error messages and the reference pages take what a parameter means from its description, and from nowhere else."""
    fields = subject.component.spec.params.model_fields
    missing = [name for name, field in fields.items() if not field.description]
    require(not missing, f"nothing is said of {', '.join(missing)}")


@check(
    *ALL_STAGES, needs="spec",
    sentence="Parameters are JSON: there is a schema, and what is written down is read back the same.",
    remedy="Use numbers, texts, paths, dates, lists and tables; a `Literal` for choices.",
)  # fmt: skip
def params_json(subject: Subject) -> None:
    """A result is named by a hash of its parameters as JSON, an artifact holds them, and editors complete by their schema."""
    params = subject.component.spec.params
    try:
        params.model_json_schema()
    except Exception as error:  # pydantic has many ways to say no
        require(False, f"no schema can be made: {str(error).splitlines()[0]}")
    if subject.trouble("class"):
        return
    written = subject.params.model_dump(mode="json")
    try:
        again = params.model_validate(written)
    except ValueError as error:
        require(False, f"what is written down, {written}, is refused: {error}")
    require(
        digest(again.model_dump(mode="json")) == digest(written), f"written down and read again, {written} is another"
    )


@check(
    *ALL_STAGES, needs="spec",
    sentence="An unknown parameter is refused.",
    remedy="Derive the parameters from `Params` (or `NeuralParams`), and leave its `model_config` alone.",
)  # fmt: skip
def unknown_param(subject: Subject) -> None:
    """A misspelt key that is silently ignored is the worst of all errors: the default is used, and nobody knows."""
    values = {**subject.component.spec.tiny, "no_such_parameter": 1}
    try:
        subject.component.spec.params.model_validate(values)
    except ValueError as error:
        require("no_such_parameter" in str(error), f"with an unknown key the error is: {error}")
        return
    require(False, "a key `no_such_parameter` is taken without a word")


@check(
    *ALL_STAGES, needs="spec", only="those that can do with few parameters",
    when=lambda s: s.stage != "dataset" or bool(s.component.spec.tiny),
    sentence="`tiny` is valid.",
    remedy="Give every parameter that has no default, and small values for those that decide how long a fit takes.",
)  # fmt: skip
def tiny_valid(subject: Subject) -> None:
    """The parameters for tests can be built: all further checks use them.

    A dataset that needs files cannot have any, and then is checked no further.
    """
    _ = subject.params


@check(
    *ALL_STAGES, needs="spec",
    sentence="The class can be imported and is of its stage.",
    remedy='Let `target` be "package.module:Class", and derive the class from the stage\'s class in `zoo.api`.',
)  # fmt: skip
def target(subject: Subject) -> None:
    """What `target` names is imported; it is a subclass of what its stage asks for."""
    found, base = subject.target, BASES[subject.stage]
    is_one = isinstance(found, type) and issubclass(found, base)
    require(is_one, f"{subject.component.spec.target!r} is {found!r}, expected a subclass of zoo.api.{base.__name__}")


@check(
    *ALL_STAGES, needs="spec",
    sentence="The expected failures are checks.",
    remedy="Write ids as the table does, such as `predictor.batch-invariance`.",
)  # fmt: skip
def expected_failures(subject: Subject) -> None:
    """`expected_failures` of the spec names checks of the component's own stage, each with a reason."""
    from zoo.testing.themes import CHECKS

    known = {c.id_for(subject.stage) for c in CHECKS if subject.stage in c.stages}
    said = subject.component.spec.expected_failures
    unknown = sorted(set(said) - known)
    require(not unknown, f"there is no check {', '.join(unknown)} for a {subject.stage}")
    silent = sorted(name for name, reason in said.items() if not reason)
    require(not silent, f"no reason is given for {', '.join(silent)}")


@check(
    *ALL_STAGES, needs="spec", only="those of installed plugins", when=lambda s: not s.component.plugin.is_file,
    sentence="Importing the plugin imports nothing heavy.",
    remedy="Keep the classes in modules of their own, which `target` names; import from `zoo.api`, whose heavy names are lazy.",
)  # fmt: skip
def light_import(subject: Subject) -> None:
    """In a fresh process the plugin is imported and asked for its components; torch and its like are not there afterwards.

    `zoo list`, `zoo show` and the checking of a config import every plugin that is installed.
    """
    report = subject.fresh.report
    require(not report.failure, report.failure)
    require(not report.heavy, f"{subject.component.plugin.module.__name__} imports {', '.join(report.heavy)}")


@check(
    *ALL_STAGES, needs="spec", only="those of other plugins than the core",
    when=lambda s: not s.component.spec.target.startswith("zoo."),
    sentence="Of the core it imports `zoo.api` and `zoo.nn`.",
    remedy="Import the name from `zoo.api`; if it is not there, it is not meant to be relied upon.",
)  # fmt: skip
def imports(subject: Subject) -> None:
    """Every module of the plugin is read; its tests may import `zoo.testing` too. The rest of the core changes without notice."""
    wrong = set()
    for file in _sources(subject):
        public = (
            r"zoo\.(api|nn|testing)(\.|$)" if file.name.startswith(("test_", "conftest")) else r"zoo\.(api|nn)(\.|$)"
        )
        names = (name for name in _imported(file) if name.partition(".")[0] == "zoo")
        wrong |= {f"{file.name}: {name}" for name in names if not re.match(public, name)}
    require(not wrong, f"it imports {', '.join(sorted(wrong))}")


@check(
    *ALL_STAGES, needs="spec",
    sentence="It neither pickles nor runs text as code.",
    remedy="Leave saving to the core, which takes tensors and JSON; parse text instead of evaluating it.",
)  # fmt: skip
def no_pickle(subject: Subject) -> None:
    """No module of the plugin imports a pickle of any kind, or calls `eval` or `exec`: either makes loading a file run code."""
    wrong = set()
    for file in _sources(subject):
        wrong |= {f"{file.name}: {name}" for name in _imported(file) if name.partition(".")[0] in PICKLES}
        calls = (node.func for node in ast.walk(_tree(file)) if isinstance(node, ast.Call))
        wrong |= {f"{file.name}: {f.id}()" for f in calls if isinstance(f, ast.Name) and f.id in RUNS_CODE}
    require(not wrong, f"it uses {', '.join(sorted(wrong))}")


def _sources(subject: Subject) -> list[Path]:
    """Return the files of all modules of a plugin: its packages, or its single file; of the core, those of the component."""
    spec, plugin = subject.component.spec, subject.component.plugin
    names = [spec.params.__module__, spec.target.partition(":")[0]]
    if names[1].startswith("zoo."):
        return [file for name in names for file in _files(name)]
    packages = {plugin.module.__name__.partition(".")[0], names[1].partition(".")[0]}
    return [file for package in sorted(packages) for file in _files(package)]


def _files(module: str) -> list[Path]:
    """Return the source file of a module, and of a package the files of all its modules; none where it is not imported."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file or not file.endswith(".py"):
        return []
    path = Path(file)
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]


@cache
def _tree(file: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"))


def _imported(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, also within functions."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
