"""Add a component to an existing package: a module, its parameters, an entry of the hook, a row of the README, an experiment."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zoo.atomic import write_atomically
from zoo.errors import ScaffoldError
from zoo.registry.registry import Registry
from zoo.scaffold.names import Names, derive_names
from zoo.scaffold.source_edits import add_to_hook, append_definitions, returned_list
from zoo.scaffold.writer import fill_template, template_fields, template_kind
from zoo.spec import StageName

TABLE = "| name | stage | what it does |"
"""The header of the table of components in the README of a package that `zoo plugin new` wrote."""
FILES = "| file | content |"
"""The header of its table of files."""


@dataclass(frozen=True)
class Written:
    """What was written to an existing package: new files and changed files, each sorted."""

    new: list[Path]
    changed: list[Path]


@dataclass(frozen=True)
class _Package:
    """An existing package.

    Attributes:
        folder: Its folder, with `pyproject.toml`.
        module: The module with its hooks.
        sources: The folder of that module.
    """

    folder: Path
    module: str
    sources: Path


def add_component(folder: Path, name: str, stage: StageName, registry: Registry, *, neural: bool = False) -> Written:
    """Add a component to an existing package. Files are added or extended, never overwritten, and all of them or none.

    Args:
        folder: The folder of the package, with its `pyproject.toml`.
        name: The component's name.
        stage: Its stage.
        registry: The installed plugins, whose names are taken.
        neural: Whether the predictor is a network that the core trains.

    Raises:
        ScaffoldError: The folder is not a package of a plugin, a name is taken or invalid, or a file cannot be extended.
    """
    kind, package = template_kind(stage, neural), _find_package(folder)
    names = derive_names(name, stage, registry, inside=True)
    example = f"example-{name}.toml"
    model, params = f"{package.module}.{names.module}", f"{package.module}.params"
    fields = template_fields(names, kind, stage, params=params, model=model, bench=f"zoo bench {example}")
    hook, parameters = package.sources / "__init__.py", package.sources / "params.py"
    new = {
        package.sources / f"{names.module}.py": fill_template(f"{kind}/model.py", fields),
        package.folder / example: fill_template(f"{kind}/example.toml", fields),
    }
    for path in new:
        if path.exists() or path.is_symlink():
            raise ScaffoldError(f"{path} already exists and is not overwritten: choose another name, or remove it.")
    if not any(package.folder.glob("tests/test_conformance.py")):
        own = {**fields, "module": package.module}
        new[package.folder / "tests" / "test_conformance.py"] = fill_template("package/test_conformance.py", own)
    changed = {hook: _extend_hook(hook, names, stage, fill_template(f"{kind}/__init__.py", fields))}
    written_params = fill_template(f"{kind}/params.py", fields)
    if parameters.exists():
        changed[parameters] = _extend_params(parameters, names, written_params)
    else:
        new[parameters] = written_params
    readme = package.folder / "README.md"
    if (
        readme.is_file()
        and (text := _extend_readme(_read(readme), package, names, stage, fields["summary"])) is not None
    ):
        changed[readme] = text
    _write_all({**new, **changed})
    return Written(sorted(new), sorted(changed))


def _find_package(folder: Path) -> _Package:
    """Return the package in a folder.

    Raises:
        ScaffoldError: The folder is not a package with one entry point for plugins.
    """
    about = folder / "pyproject.toml"
    if not about.is_file():
        raise ScaffoldError(
            f"--into {folder}: expected the folder of a package, and it has no pyproject.toml. To create a package, leave "
            "--into out."
        )
    try:
        points = tomllib.loads(_read(about)).get("project", {}).get("entry-points", {}).get("shopzoo", {})
    except tomllib.TOMLDecodeError as error:
        raise ScaffoldError(f"{about}: {error}. Correct the file.") from error
    if len(points) != 1:
        raise ScaffoldError(
            f"{about} has {len(points) or 'no'} entry points in [project.entry-points.shopzoo], expected one, the module "
            "with the hooks: add it, or write the component by hand."
        )
    (module,) = points.values()
    for sources in (folder / "src", folder):
        place = sources.joinpath(*module.split("."))
        if (place / "__init__.py").is_file():
            return _Package(folder, module, place)
    raise ScaffoldError(
        f"{about}: its entry point is the module {module!r}, and there is no {folder / 'src' / module.replace('.', '/')}"
        "/__init__.py. Turn the module into a folder with `__init__.py`, or write the component by hand."
    )


def _extend_hook(path: Path, names: Names, stage: StageName, addition: str) -> str:
    """Return the module of the hook with the new component.

    Raises:
        ScaffoldError: The package has a component of this name, or the hook cannot be extended.
    """
    source = _read(path)
    try:
        answer = returned_list(source)
        for call in [] if answer is None else answer.elts:
            given = {k.arg: k.value.value for k in getattr(call, "keywords", ()) if isinstance(k.value, ast.Constant)}
            if (given.get("stage"), given.get("name")) == (stage, names.name):
                raise ScaffoldError(f"{path}: the package has a {stage} {names.name!r} already. Choose another name.")
        return add_to_hook(source, addition)
    except SyntaxError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise ScaffoldError(
            f"{path}: {error}, so the component cannot be added to it. Let it end in `return [...]`, or write the component by "
            "hand."
        ) from error


def _extend_params(path: Path, names: Names, addition: str) -> str:
    """Return the module of the parameters with those of the new component.

    Raises:
        ScaffoldError: It has a class of the same name, or is no Python.
    """
    source, wanted = _read(path), f"{names.class_name}Params"
    try:
        if any(isinstance(node, ast.ClassDef) and node.name == wanted for node in ast.parse(source).body):
            raise ScaffoldError(f"{path} has a class {wanted} already. Choose another name.")
        return append_definitions(source, addition)
    except SyntaxError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: SyntaxError) -> ScaffoldError:
    return ScaffoldError(f"{path}, line {error.lineno}: {error.msg}. Correct the file first.")


def _extend_readme(readme: str, package: _Package, names: Names, stage: StageName, summary: str) -> str | None:
    """Return a README with the component in its tables of components and files, or None if it has neither table."""
    module = (package.sources / f"{names.module}.py").relative_to(package.folder).as_posix()
    files = [f"| `{module}` | the {stage} `{names.name}` |", f"| `example-{names.name}.toml` | a benchmark of it |"]
    lines = readme.splitlines()
    extended = _extend_table(lines, TABLE, [f"| `{names.name}` | {stage} | {summary} |"])
    extended = _extend_table(extended, FILES, files)
    return None if extended == lines else "\n".join(extended) + "\n"


def _extend_table(lines: list[str], header: str, rows: list[str]) -> list[str]:
    """Return the lines of a README with rows at the end of the table with a header, if it has that table."""
    if header not in lines:
        return lines
    end = lines.index(header)
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    return [*lines[:end], *rows, *lines[end:]]


def _read(path: Path) -> str:
    """Return the text of a file.

    Raises:
        ScaffoldError: It cannot be read as UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScaffoldError(f"{path} cannot be read as UTF-8 text: {error}.") from error


def _write_all(content: Mapping[Path, str]) -> None:
    """Write files, the hook last. If one cannot be written, those before it are as they were.

    Raises:
        ScaffoldError: A file cannot be written.
    """
    ordered = sorted(content, key=lambda path: path.name == "__init__.py")  # the hook makes the component known
    before = {path: path.read_bytes() if path.exists() else None for path in ordered}
    folders = [path.parent for path in ordered if not path.parent.exists()]
    try:
        for path in ordered:
            with write_atomically(path) as temporary:
                ending = "\r\n" if b"\r\n" in (before[path] or b"") else "\n"
                temporary.write_text(content[path], encoding="utf-8", newline=ending)
                if before[path] is not None:
                    temporary.chmod(path.stat().st_mode)
    except BaseException as error:
        _restore(before, folders)
        if isinstance(error, OSError):
            raise ScaffoldError(f"{error.filename or path}: {error.strerror}. Nothing was changed.") from error
        raise


def _restore(before: Mapping[Path, bytes | None], folders: list[Path]) -> None:
    """Undo what was written."""
    for path, content in before.items():
        with suppress(OSError):
            if content is None:
                path.unlink(missing_ok=True)
            elif path.read_bytes() != content:
                path.write_bytes(content)
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
