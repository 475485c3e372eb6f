"""Which files a path, a pattern or a folder stands for, and their formats."""

from __future__ import annotations

import glob
import warnings
from collections.abc import Sequence
from pathlib import Path

from zoo.errors import DataError, suggestion

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
}


def find_files(paths: Sequence[str]) -> list[Path]:
    """Return the files that match paths and patterns, and those of folders; matches of a pattern are sorted by name.

    Raises:
        DataError: A path or pattern matches no file, a folder has no or mixed files, a file is empty or has an unknown extension, or
            two of the paths stand for the same file.
    """
    found: dict[Path, str] = {}
    for path in paths:
        for file in _files_of(path):
            if file in found:
                raise DataError(
                    f"{file}: named twice, by {found[file]!r} and by {path!r}; its rows would count twice. Leave one out."
                )
            found[file] = path
    files = list(found)
    for file in files:
        format_of(file)
        if file.stat().st_size == 0:
            raise DataError(
                f"{file}: the file is empty (0 bytes), expected a table. Recreate it, or choose another file."
            )
    return files


def _files_of(path: str) -> list[Path]:
    """Return the files that one path, pattern or folder stands for.

    Raises:
        DataError: There is none, or a folder has mixed files.
    """
    if Path(path).is_file():
        return [Path(path)]
    if Path(path).is_dir():
        return _files_of_folder(Path(path))
    matches = sorted(m for m in glob.glob(path, recursive=True) if Path(m).is_file())
    if not matches:
        raise DataError(_explain_missing(Path(path)))
    return [Path(match) for match in matches]


def _files_of_folder(folder: Path) -> list[Path]:
    """Return the files of a folder and its subfolders in a known format, sorted; names with a first `.` or `_` are skipped.

    A warning names files of other formats.

    Raises:
        DataError: The folder has no such file, or files of several formats.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    paths = [path for path in paths if not any(part[0] in "._" for part in path.relative_to(folder).parts)]
    found = [path for path in paths if known_format(path)]
    if not found:
        raise DataError(f"{folder.absolute()}: the folder has no file that can be read, expected {', '.join(FORMATS)}.")
    other = next((file for file in found if format_of(file) != format_of(found[0])), None)
    if other is not None:
        raise DataError(
            f"{folder.absolute()}: the folder has files of several formats, such as {found[0].name} and {other.name}. "
            f"Use a pattern such as {folder / '**' / ('*' + found[0].suffix)}."
        )
    others = [path for path in paths if not known_format(path)]
    if others:
        files = "1 file" if len(others) == 1 else f"{len(others)} files"
        warnings.warn(
            f"{folder.absolute()}: {files} of another format not read, such as {others[0].relative_to(folder)}; expected "
            f"{', '.join(FORMATS)}.",
            stacklevel=2,
        )
    return found


def _explain_missing(path: Path) -> str:
    """Return the error message for a path that matches no file."""
    path = path.absolute()
    if glob.has_magic(str(path)):
        return f"{path}: no file matches this pattern. Paths in an experiment file are relative to it."
    if not path.parent.is_dir():
        return f"{path}: the folder {path.parent} does not exist. Paths in an experiment file are relative to it."
    beside = sorted(f.name for f in path.parent.iterdir() if f.is_file() and known_format(f))
    return f"{path}: the file does not exist.{suggestion(path.name, beside)} Paths in an experiment file are relative to it."


def format_of(file: Path) -> str:
    """Return the format of a file by its extension.

    Raises:
        DataError: The extension is unknown.
    """
    kind = known_format(file)
    if kind is None:
        raise DataError(
            f"{file}: unknown format, expected {', '.join(FORMATS)}, or .csv, .tsv, .json, .jsonl with .gz or .zst. "
            "Rename a file of text to .tsv if tabs separate its columns, or to .csv and set delimiter = ... in data.source."
        )
    return kind


def known_format(file: Path) -> str | None:
    """Return the format of a file by its extension, or None if the extension is unknown."""
    endings = file.suffixes[-2:]
    zipped = endings[-1:] in ([".gz"], [".zst"])
    ending = (endings[:-1] if zipped else endings)[-1:]
    kind = FORMATS.get(ending[0].lower()) if ending else None
    return None if zipped and kind not in ("csv", "json") else kind
