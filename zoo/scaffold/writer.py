"""Write a new plugin from templates, as a package or a single file; never overwrite, and write all files or none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from importlib.resources import files
from pathlib import Path
from string import Template

from zoo.atomic import write_atomically, write_folder_atomically
from zoo.errors import ScaffoldError
from zoo.registry.registry import Registry
from zoo.scaffold.names import Names, derive_names
from zoo.spec import API_VERSION, StageName
from zoo.version import compatible_core

TEMPLATES = files("zoo.scaffold") / "templates"
"""One folder per kind of component; the files contain placeholders such as `$name`, `$module` and `$Class`."""

SUMMARIES = {
    "predictor": "Recommends the items that followed the last events in other histories.",
    "neural": "A small network over the last item and the mean of the history.",
    "featurizer": "One-hot encodes the values of a catalogue column.",
    "filter": "Keeps the items that occur often enough in training.",
    "ranker": "Scores candidates with a ridge regression on their features.",
    "metric": "Rank-biased precision: hits, weighted by the chance that a reader gets to their rank.",
    "cleaner": "Removes the events of users who have unusually many.",
    "dataset": "Generated users who walk from item to item.",
}
"""The kinds of components with a template, and a summary of each template's component."""


def new_package(path: Path, stage: StageName, registry: Registry, *, neural: bool = False) -> list[Path]:
    """Write a plugin as an installable package.

    Args:
        path: The folder to create; its name becomes the component's name.
        stage: The component's stage.
        registry: The installed plugins, whose names are taken.
        neural: Whether the predictor is a network that the core trains.

    Returns:
        The files written, sorted.

    Raises:
        ScaffoldError: The name or the folder is taken or invalid, or there is no such template.
    """
    kind = template_kind(stage, neural)
    if path.suffix == ".py":
        raise ScaffoldError(
            f"{path} is a file name, and a package is a folder: add --single-file, or drop the suffix, as in my-model."
        )
    names = derive_names(path.name, stage, registry)
    fields = template_fields(
        names,
        kind,
        stage,
        params=f"{names.module}.params",
        model=f"{names.module}.model",
        bench="zoo bench example.toml",
    )
    module = f"src/{names.module}"
    sources = {
        "pyproject.toml": "package/pyproject.toml",
        "README.md": "package/README.md",
        "example.toml": f"{kind}/example.toml",
        f"{module}/__init__.py": f"{kind}/__init__.py",
        f"{module}/params.py": f"{kind}/params.py",
        f"{module}/model.py": f"{kind}/model.py",
        "tests/test_conformance.py": "package/test_conformance.py",
    }
    return _write(
        path.parent, {f"{path.name}/{name}": fill_template(source, fields) for name, source in sources.items()}
    )


def new_file(path: Path, stage: StageName, registry: Registry, *, neural: bool = False) -> list[Path]:
    """Write a single-file plugin, for `--plugin`, and an example experiment next to it.

    The arguments and errors are those of `new_package`.
    """
    kind = template_kind(stage, neural)
    if path.suffix != ".py":
        raise ScaffoldError(f"{path}: expected the name of a Python file, as in {path.name.replace('-', '_')}.py.")
    if path.stem.replace("-", "_") != path.stem:
        raise ScaffoldError(
            f"{path}: a file with a hyphen cannot be imported. Use {path.stem.replace('-', '_')}.py instead."
        )
    names = derive_names(path.stem.replace("_", "-"), stage, registry)
    experiment = path.with_suffix(".toml").name
    bench = f"zoo bench {experiment} --plugin {path.name}"
    fields = template_fields(names, kind, stage, params=names.module, model=names.module, bench=bench)
    parts = {"params": "params.py", "model": "model.py", "hook": "__init__.py"}
    bodies = {part: _body(fill_template(f"{kind}/{source}", fields)) for part, source in parts.items()}
    single, example = (
        fill_template(f"{kind}/single.py", {**fields, **bodies}),
        fill_template(f"{kind}/example.toml", fields),
    )
    return _write(path.parent, {path.name: single, experiment: example})


def template_kind(stage: StageName, neural: bool) -> str:
    """Return the folder of the templates to use."""
    if neural and stage != "predictor":
        raise ScaffoldError(
            f"--neural applies only to a predictor, found --stage {stage}. Remove one of the two options."
        )
    return "neural" if neural else stage


def template_fields(
    names: Names, kind: str, stage: StageName, *, params: str, model: str, bench: str
) -> dict[str, str]:
    """Return the value of each placeholder of the templates.

    Args:
        names: The names of the component.
        kind: The folder of the templates.
        stage: The component's stage.
        params: The module of its parameters.
        model: The module of its class.
        bench: The command that runs the example.
    """
    return {
        "name": names.name,
        "module": names.module,
        "params_module": params,
        "Class": names.class_name,
        "target": f"{model}:{names.class_name}",
        "stage": stage,
        "summary": SUMMARIES[kind],
        "api": str(API_VERSION),
        "bench": bench,
        "core": compatible_core(),
    }


def fill_template(source: str, fields: dict[str, str]) -> str:
    """Return a template with its placeholders replaced."""
    return Template((TEMPLATES / f"{source}.txt").read_text(encoding="utf-8")).substitute(fields)


def _body(text: str) -> str:
    """Return the part of a module after its imports, which end at the first two empty lines."""
    return text.partition("\n\n\n")[2].rstrip("\n")


def _write(folder: Path, content: dict[str, str]) -> list[Path]:
    """Write files to a folder, by relative path: first to temporary paths, then rename. Return their paths, sorted.

    Raises:
        ScaffoldError: A path exists already, or cannot be written.
    """
    first = next(iter(content)).partition("/")[0]
    tops = {name.partition("/")[0]: folder / name.partition("/")[0] for name in content}
    for path in tops.values():
        if path.exists() or path.is_symlink():
            raise ScaffoldError(f"{path} already exists and is not overwritten: choose another name, or remove it.")
    if not folder.is_dir():
        raise ScaffoldError(f"{folder / first}: there is no folder {folder}. Create it first.")
    try:
        with ExitStack() as stack:  # rename only after all files are written
            places = {top: stack.enter_context(_writer(content, top)(path)) for top, path in tops.items()}
            for name, text in content.items():
                top, _, below = name.partition("/")
                file = places[top] / below
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ScaffoldError(f"{folder / first} cannot be written: {error.strerror}. Choose another folder.") from error
    return sorted(folder / name for name in content)


def _writer(content: dict[str, str], top: str) -> Callable[[Path], AbstractContextManager[Path]]:
    """Return the writer of a top-level path: a file, or a folder with its files."""
    return write_atomically if top in content else partial(write_folder_atomically, replace=False)
