"""The section of the report on the searches: what they cost, what they gained, and the best settings to write into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.benchmark.tables.comparison_tables import Cell, ComparisonTable, by_label, seconds
from zoo.config.formatting import format_toml

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.store import Store

ABOUT = (
    "Values are those of the validation part. Trial 0 has the settings of the file, and the defaults of what the file does not "
    "set, or the nearest values of a space that the file narrows. Pruned trials ended early, since their validation curve was below those of earlier trials. `trials.jsonl` has all trials."
)

SHOWN_SETTINGS = 5
"""Settings in the line of a search."""


def tuning_table(store: Store) -> ComparisonTable | None:
    """Return the search of each tuned model, one row per model; None if no model was tuned."""
    found = {label: runs[0].tuning for label, runs in by_label(store.rows()).items() if runs[0].tuning}
    if not found:
        return None
    headers = ["model", "metric", "trials", "failed", "pruned", "search s", "trial 0", "best", "best settings"]
    return ComparisonTable(headers, [[Cell(label), *map(Cell, _figures(search))] for label, search in found.items()])


def _figures(search: dict[str, Any]) -> list[str]:
    """Return the cells of a search."""
    best = f"{search['value']:.4f} (trial {search['best']})"
    first = "failed" if search["first_value"] is None else f"{search['first_value']:.4f}"
    pruned = search.get("pruned", 0)  # absent in rows of earlier versions
    counts = [str(search["trials"]), str(search["failed"]), str(pruned), seconds(search["seconds"])]
    params = ", ".join(f"{name} = {format_setting(value)}" for name, value in search["params"].items())
    return [search["metric"], *counts, first, best, f"`{params}`" if params else ""]


def format_search(search: dict[str, Any]) -> str:
    """Return a search in a line: its trials and seconds, the value of trial 0, the best value and the best settings, shortened.

    Args:
        search: `Row.tuning`.
    """
    counts = [f"{search[name]} {name}" for name in ("failed", "pruned") if search[name]]
    count = f"{search['trials']} trial{'' if search['trials'] == 1 else 's'}"
    trials = f"{count} ({', '.join(counts)})" if counts else count
    start = f"{trials} in {seconds(search['seconds'])} s, {search['metric']}"
    if search["best"] == 0:
        return f"{start} {search['value']:.4f} of trial 0 is the best"
    first = "trial 0 failed" if search["first_value"] is None else f"{search['first_value']:.4f} (trial 0)"
    params = list(search["params"].items())
    more = len(params) - SHOWN_SETTINGS
    shown = [f"{name} = {format_setting(value, digits=4)}" for name, value in params[:SHOWN_SETTINGS]]
    rest = f" and {more} more" if more > 0 else ""
    return f"{start} {first}, best {search['value']:.4f} (trial {search['best']}): {', '.join(shown)}{rest}"


def format_setting(value: Any, *, digits: int = 6) -> str:
    """Return a value as TOML; a number with so many significant digits; None as `not set`."""
    if value is None:
        return "not set"
    return f"{value:.{digits}g}" if isinstance(value, float) else format_toml(value)
