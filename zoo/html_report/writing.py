"""Write the HTML report of benchmark folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.atomic import write_atomically
from zoo.benchmark.results_folder.joined_results import format_not_joined, join_folders
from zoo.benchmark.results_folder.json_records import refusing_damage
from zoo.benchmark.results_folder.snapshot import StoreSnapshot
from zoo.benchmark.results_folder.store import Store
from zoo.errors import ConfigError, ResultsError
from zoo.html_report.page import BenchmarkPage, benchmark_page
from zoo.html_report.rendering import render, require_jinja2

NAME = "report.html"


def report(*results: str | Path | Store, out: str | Path | None = None, users: bool = True) -> Path:
    """Write the HTML report of one or several benchmarks into one file that needs no network, and return its path.

    Folders with the same data, split and evaluation are shown as one benchmark; the others stand one below the other.

        result = zoo.bench("experiment.toml", out="runs/mine")
        zoo.report(result)  # runs/mine/report.html
        zoo.report("runs/shop-a", "runs/shop-b", out="both.html")

    Args:
        results: Folders of results, or what `zoo.bench` returned.
        out: The file to write; by default `report.html` in the folder, or in the current directory for several folders.
        users: Whether to show the ids, histories and lists of the sampled users.

    Raises:
        ConfigError: No results are given, or `out` is a folder.
        ResultsError: A folder has no results or damaged ones, or the file cannot be written.
        ComponentError: Jinja2 is not installed.
    """
    require_jinja2()
    stores = [StoreSnapshot(result.folder if isinstance(result, Store) else result) for result in results]
    if not stores:
        raise ConfigError("report: expected a folder of results, found none. Pass the folder that `zoo bench` wrote.")
    path = Path(out) if out is not None else (stores[0].folder / NAME if len(stores) == 1 else Path(NAME))
    if path.is_dir():
        raise ConfigError(f"report: {path} is a folder, expected a file to write. Pass a name such as {path / NAME}.")
    text = render(*_parts(stores, with_users=users))
    try:
        with write_atomically(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be written: {error.strerror or error}. Free some space, or choose another file."
        ) from error
    return path


def _parts(stores: Sequence[StoreSnapshot], *, with_users: bool) -> tuple[list[BenchmarkPage], list[str]]:
    """Return the part of each task, and why folders are not compared.

    Raises:
        ResultsError: A folder has no results, no finished run, or damaged values.
    """
    for store in stores:
        store.manifest()
        with refusing_damage(store.folder):
            if not store.rows():
                raise ResultsError(
                    f"{store.folder} has no finished run, so there is nothing to report. Run the benchmark again to resume it."
                )
    parts, joined = list[BenchmarkPage](), join_folders(stores)
    for number, store in enumerate(joined, 1):
        with refusing_damage(store.folder):
            parts.append(benchmark_page(store, f"b{number}", with_users=with_users))
    return parts, format_not_joined(joined)
