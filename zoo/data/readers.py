"""Read files through Hugging Face `datasets`, streaming into memory so that no converted copy is left on disk."""

from __future__ import annotations

import csv
import glob
import gzip
import shutil
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO, cast

import pyarrow as pa

from zoo.errors import DataError
from zoo.machine_memory import available_memory

BATCH_ROWS = 2**20


def stream_file(file: Path, kind: str, *, keep: list[str] | None = None, **options: Any) -> pa.Table:
    """Read a file through `datasets`, batch by batch, without a copy on disk.

    Args:
        file: The file.
        kind: The reader of `datasets`.
        keep: The columns to keep of each batch; all by default.
        options: Options of the reader.

    Raises:
        DataError: The file is not valid in its format.
    """
    import datasets

    try:
        with (
            TemporaryDirectory() as locks,
            _plain(file) as plain,
            silence_datasets(),
        ):  # streaming writes only a lock file
            stream = datasets.load_dataset(
                kind, data_files={"train": [glob.escape(str(plain.absolute()))]}, split="train", streaming=True,
                cache_dir=locks, **options,
            )  # fmt: skip
            known = None if stream.features is None else stream.features.arrow_schema.empty_table()
            batches = list(_batches(stream, keep))
    except Exception as error:  # the library raises what its parsers raise
        reason = _describe_invalid_line(file, options.get("sep", "")) if kind == "csv" else None
        raise DataError(
            f"{file}: cannot be read as {kind}: {reason or first_line(error)}. Correct or recreate the file."
        ) from error
    if batches:
        return pa.concat_tables(batches)
    if known is None:
        raise DataError(f"{file}: the file has no rows, expected a table. Choose another file.")
    return known if keep is None else known.select(keep)


def _batches(stream: Any, keep: list[str] | None) -> Iterator[pa.Table]:
    """Yield the batches of a stream.

    Raises:
        MemoryError: A compressed file holds more than fits into memory.
    """
    used, limit = 0, available_memory()
    for batch in stream.with_format("arrow").iter(batch_size=BATCH_ROWS):
        part = batch if keep is None else batch.select(keep)
        used += part.nbytes
        if used > limit:
            raise MemoryError(f"its content needs more than {limit / 2**30:,.1f} GiB, which are available")
        yield part


@contextmanager
def _plain(file: Path) -> Iterator[Path]:
    """Yield a file that `datasets` can open: for Zstandard, which it cannot without another package, a temporary copy."""
    if file.suffix != ".zst":
        yield file
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / file.stem
        with pa.input_stream(str(file), compression="zstd") as packed, copy.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, 2**20)
        yield copy


def _describe_invalid_line(file: Path, separator: str) -> str | None:
    """Describe the first invalid line of a CSV file: wrong encoding or too many fields. None for other errors."""
    width = 0
    try:
        with _plain(file) as plain, _opened(plain) as text:
            lines = csv.reader(text, delimiter=separator)
            for fields in lines:
                width = width or len(fields)
                stray = next((sign for sign in "".join(fields) if "\udc80" <= sign <= "\udcff"), None)
                if stray is not None:
                    return (
                        f"line {lines.line_num} is not UTF-8 (byte {ord(stray) - 0xDC00:#x}), perhaps Latin-1 or "
                        "Windows-1252, expected UTF-8"
                    )
                if len(fields) > width:
                    return f"line {lines.line_num} has {len(fields)} fields, the header {width}"
    except (
        pa.ArrowException,
        OSError,
        EOFError,
        TypeError,
        csv.Error,
        zlib.error,
    ):  # broken in another way, or separated by a pattern
        return None
    return None


def _opened(file: Path) -> TextIO:
    """Open a text file, plain or gzip; bytes that are not UTF-8 become surrogates."""
    opened = gzip.open if file.suffix == ".gz" else open
    return cast(TextIO, opened(file, "rt", encoding="utf-8-sig", errors="surrogateescape", newline=""))


def first_line(error: Exception) -> str:
    """Return the first line of an error, without a final period."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@contextmanager
def silence_datasets() -> Iterator[None]:
    """Silence progress bars, logging and download telemetry of `datasets`."""
    import datasets
    from datasets.utils import logging

    had_bars, verbosity = not datasets.are_progress_bars_disabled(), logging.get_verbosity()
    counted = datasets.config.HF_UPDATE_DOWNLOAD_COUNTS
    datasets.disable_progress_bars()
    logging.set_verbosity(logging.CRITICAL)
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    try:
        with warnings.catch_warnings():
            # the parser only warns about rows that have more fields than the header
            warnings.filterwarnings("error", message="Length of header or names does not match")
            yield
    finally:
        if had_bars:
            datasets.enable_progress_bars()
        logging.set_verbosity(verbosity)
        datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = counted
