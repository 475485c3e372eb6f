"""Metadata: what a component declares, read without running it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from zoo.config.resolved_base import digest
from zoo.testing.check import check
from zoo.testing.requirement import ALL_STAGES, require
from zoo.testing.subject import BASES, Subject

PICKLES = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve")
IMPORT_SECONDS = 5.0
"""Limit of the time that the import of a plugin may take."""
RUNS_CODE = ("eval", "exec", "__import__")


@check(
    *ALL_STAGES, needs="spec",
    sentence="The summary is one sentence.",
    remedy="Describe in one line of at most 160 characters what it does; start with a capital letter and end with a full stop.",
)  # fmt: skip
def summary(subject: Subject) -> None:
    """`zoo list` shows the summary in a table row, and `zoo show` at the top. Users choose a component by it."""
    text = subject.component.spec.summary
    is_valid = 10 <= len(text) <= 160 and text.endswith(".") and not text[0].islower() and "\n" not in text
    require(is_valid, f"it is {text!r}")


@check(
    *ALL_STAGES, needs="spec", only="components with a citation", when=lambda s: bool(s.component.spec.citation),
    sentence="The citation identifies a publication.",
    remedy="Give authors, title, venue and year; leave `citation` empty if there is no publication.",
)  # fmt: skip
def citation(subject: Subject) -> None:
    """The citation has a year and at least 20 characters, so that readers can find the publication that the component implements."""
    text = subject.component.spec.citation
    require(bool(re.search(r"\b(1[89]|20)\d\d\b", text)) and len(text) >= 20, f"it is {text!r}")


@check(
    *ALL_STAGES, needs="spec", only="components of installed plugins", when=lambda s: not s.component.plugin.is_file,
    sentence="The plugin declares its licence.",
    remedy='Set `license` under `[project]` in pyproject.toml, for example license = "Apache-2.0".',
)  # fmt: skip
def licence(subject: Subject) -> None:
    """The check reads the metadata of the installed distribution: a licence expression, a licence text, or a classifier."""
    try:
        found = metadata(subject.component.plugin.distribution)
    except PackageNotFoundError:
        require(False, f"no distribution {subject.component.plugin.distribution!r} is installed")
        return
    licences = [*(found.get_all("License-Expression") or ()), *(found.get_all("License") or ())]
    licences += [c for c in found.get_all("Classifier") or () if c.startswith("License ::")]
    require(bool(licences), f"the metadata of {subject.component.plugin.distribution} name no licence")


@check(
    *ALL_STAGES, needs="spec",
    sentence="Every parameter has a description.",
    remedy="Write a docstring under each field of the `Params` class, or `Field(..., description=...)`.",
)  # fmt: skip
def params_described(subject: Subject) -> None:
    """Command-line help, error messages and the reference pages are generated from these descriptions."""
    fields = subject.component.spec.params.model_fields
    missing = [name for name, field in fields.items() if not field.description]
    require(not missing, f"these parameters have no description: {', '.join(missing)}")


@check(
    *ALL_STAGES, needs="spec",
    sentence="Parameters have a JSON schema and survive a JSON round trip.",
    remedy="Use numbers, strings, paths, dates, lists and dicts; use a `Literal` for choices.",
)  # fmt: skip
def params_json(subject: Subject) -> None:
    """Results are identified by a hash of the parameters as JSON, artifacts store them, and editors complete from the schema."""
    params = subject.component.spec.params
    try:
        params.model_json_schema()
    except Exception as error:  # pydantic raises errors of many types here
        require(False, f"no schema can be generated: {str(error).splitlines()[0]}")
    if subject.problem("class"):
        return
    written = subject.params.model_dump(mode="json")
    try:
        again = params.model_validate(written)
    except ValueError as error:
        require(False, f"the dumped parameters {written} do not validate: {error}")
    require(digest(again.model_dump(mode="json")) == digest(written), f"{written} changes in a JSON round trip")


@check(
    *ALL_STAGES, needs="spec",
    sentence="An unknown parameter is an error.",
    remedy="Derive the parameters from `Params` (or `NeuralParams`), and do not change `model_config`.",
)  # fmt: skip
def unknown_param(subject: Subject) -> None:
    """If a misspelt key were ignored, the default would be used without the user noticing."""
    values = {**subject.component.spec.tiny, "no_such_parameter": 1}
    try:
        subject.component.spec.params.model_validate(values)
    except ValueError as error:
        require("no_such_parameter" in str(error), f"the error for an unknown key does not name it: {error}")
        return
    require(False, "it accepts an unknown key `no_such_parameter`")


@check(
    *ALL_STAGES, needs="spec", only="all components except datasets without `tiny`",
    when=lambda s: s.stage != "dataset" or bool(s.component.spec.tiny),
    sentence="The `tiny` parameters are valid.",
    remedy="Set every parameter that has no default, and small values for those that determine how long a fit takes.",
)  # fmt: skip
def tiny_valid(subject: Subject) -> None:
    """All checks that run the component use these parameters.

    A dataset without `tiny` is checked with its defaults. One that needs files names a small file of its package in `tiny`; without
    it, `required-params` fails, and the checks that read tables do not run.
    """
    _ = subject.params


@check(
    *ALL_STAGES, needs="spec",
    sentence="The class can be imported and is a subclass of its stage's base class.",
    remedy='Set `target` to "package.module:Class", and derive the class from the base class of its stage in `zoo.api`.',
)  # fmt: skip
def target(subject: Subject) -> None:
    """The check imports `target` and tests that it is a subclass of the base class of its stage."""
    found, base = subject.target, BASES[subject.stage]
    is_one = isinstance(found, type) and issubclass(found, base)
    require(is_one, f"{subject.component.spec.target!r} is {found!r}, expected a subclass of zoo.api.{base.__name__}")


@check(
    *ALL_STAGES, needs="spec",
    sentence="The expected failures are valid check ids.",
    remedy="Use ids from the table of checks, such as `predictor.batch-invariance`.",
)  # fmt: skip
def expected_failures(subject: Subject) -> None:
    """`expected_failures` of the spec maps ids of checks of the component's stage to a reason."""
    from zoo.testing.all_checks import CHECKS

    known = {c.id_for(subject.stage) for c in CHECKS if subject.stage in c.stages}
    expected = subject.component.spec.expected_failures
    unknown = sorted(set(expected) - known)
    require(not unknown, f"there is no check {', '.join(unknown)} for a {subject.stage}")
    without_reason = sorted(name for name, reason in expected.items() if not reason)
    require(not without_reason, f"no reason is given for {', '.join(without_reason)}")


@check(
    *ALL_STAGES, needs="spec", only="components of installed plugins", when=lambda s: not s.component.plugin.is_file,
    sentence="Importing the plugin does not import heavy packages.",
    remedy="Put the classes into separate modules, named by `target`; import from `zoo.api`, which loads heavy names lazily.",
)  # fmt: skip
def light_import(subject: Subject) -> None:
    """A fresh process imports the plugin and calls its `zoo_components` hook; torch and similar packages must not be imported.

    `zoo list`, `zoo show` and config validation import every installed plugin.
    """
    report = subject.fresh.report
    require(not report.failure, report.failure)
    require(not report.heavy, f"{subject.component.plugin.module.__name__} imports {', '.join(report.heavy)}")


@check(
    *ALL_STAGES, needs="spec", only="components of installed plugins", when=lambda s: not s.component.plugin.is_file,
    sentence="Importing the plugin takes less than five seconds.",
    remedy="Read files, models and networks in `fit`, not during the import; import heavy packages in the modules that `target` names.",
)  # fmt: skip
def import_time(subject: Subject) -> None:
    """A fresh process measures the import of the plugin and the call of its hooks. Every command waits for it."""
    report = subject.fresh.report
    require(not report.failure, report.failure)
    require(report.import_seconds < IMPORT_SECONDS, f"it takes {report.import_seconds:.1f} s")


@check(
    *ALL_STAGES, needs="spec",
    sentence="No other installed plugin has its name or its alias in the same stage.",
    remedy="Rename the component or the alias, for example with a prefix.",
)  # fmt: skip
def name_collisions(subject: Subject) -> None:
    """A name of two plugins has to be qualified in every experiment, and an alias that is another component's name selects that one."""
    spec, own = subject.component.spec, subject.component.plugin.distribution
    others = [c for c in subject.fresh.installed.components(spec.stage) if c.plugin.distribution != own]
    taken = [f"{spec.name!r} of {c.plugin.distribution}" for c in others if spec.name == c.name]
    taken += [f"{alias!r} of {c.plugin.distribution}" for alias in spec.aliases for c in others if alias in c.names]
    require(not taken, f"already provided: {', '.join(taken)}")


@check(
    *ALL_STAGES, needs="spec", only="components of plugins other than the core",
    when=lambda s: not s.component.spec.target.startswith("zoo."),
    sentence="From the core it imports only `zoo.api` and `zoo.nn`.",
    remedy="Import the name from `zoo.api`; a name that is not there is not part of the public API.",
)  # fmt: skip
def imports(subject: Subject) -> None:
    """The check reads every module of the plugin. Its tests may also import `zoo.testing`. All other modules of the core may change without notice."""
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
    sentence="It uses neither pickle nor `eval`.",
    remedy="Leave saving to the core, which stores tensors and JSON; parse text instead of evaluating it.",
)  # fmt: skip
def no_pickle(subject: Subject) -> None:
    """No module of the plugin imports a pickle library, or calls `eval` or `exec`. With either, loading a file could run code."""
    wrong = set()
    for file in _sources(subject):
        wrong |= {f"{file.name}: {name}" for name in _imported(file) if name.partition(".")[0] in PICKLES}
        calls = (node.func for node in ast.walk(_tree(file)) if isinstance(node, ast.Call))
        wrong |= {f"{file.name}: {f.id}()" for f in calls if isinstance(f, ast.Name) and f.id in RUNS_CODE}
    require(not wrong, f"it uses {', '.join(sorted(wrong))}")


def _sources(subject: Subject) -> list[Path]:
    """Return the source files of a plugin: its packages, or its single file; for the core, only those of the component."""
    spec, plugin = subject.component.spec, subject.component.plugin
    names = [spec.params.__module__, spec.target.partition(":")[0]]
    if names[1].startswith("zoo."):
        return [file for name in names for file in _files(name)]
    packages = {plugin.module.__name__.partition(".")[0], names[1].partition(".")[0]}
    return [file for package in sorted(packages) for file in _files(package)]


def _files(module: str) -> list[Path]:
    """Return the source file of a module, or of all modules of a package; nothing if it is not imported."""
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
    """Yield the modules that a file imports, including inside functions."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
