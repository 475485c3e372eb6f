"""The page of a data report, and the folder that holds it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.atomic import write_folder_atomically
from zoo.data.analysis.analyse import DataReport
from zoo.data.analysis.goods import Column
from zoo.errors import ConfigError, ResultsError
from zoo.html_report.data_figures import Figure, data_figures
from zoo.html_report.rendering import render_page, require_jinja2

NAMES = ("data.html", "data.json", "proposed.toml")


@dataclass(frozen=True)
class Table:
    """A table of the page: a title, a header, and rows of texts."""

    title: str
    note: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class DataPage:
    """The content of the page besides the report: a summary, facts, charts and tables."""

    finding: str
    facts: Sequence[tuple[str, str]]
    figures: Sequence[Figure]
    tables: Sequence[Table]


def write_data_report(report: DataReport, out: Path) -> list[Path]:
    """Write `data.html`, `data.json` and, if there is one, `proposed.toml` into a folder, and return their paths.

    An older report in the folder is replaced in one step.

    Raises:
        ConfigError: `out` is a file, or a folder with something else in it.
        ResultsError: The folder cannot be written.
        ComponentError: Jinja2 is not installed.
    """
    require_jinja2(NAMES[0])
    _refuse_other_content(out)
    texts = [render_data(report), json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n"]
    texts += [f"{report.proposal}\n"] if report.proposal else []
    names = NAMES[: len(texts)]
    try:
        with write_folder_atomically(out) as folder:
            for name, text in zip(names, texts, strict=True):
                (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise ResultsError(
            f"{out} cannot be written: {error.strerror or error}. Free some space, or choose another folder with --out."
        ) from error
    return [out / name for name in names]


def render_data(report: DataReport) -> str:
    """Return the page of a data report.

    Raises:
        ComponentError: Jinja2 is not installed.
    """
    return render_page("data.html.j2", report.title, "data report", report=report, page=_page(report))


def _refuse_other_content(out: Path) -> None:
    """Refuse to replace what is no data report.

    Raises:
        ConfigError: `out` is a file, or a folder with something else in it.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file, expected a folder to write. Choose another one with --out.")
    others = sorted(path.name for path in out.iterdir() if path.name not in NAMES) if out.is_dir() else []
    if others:
        raise ConfigError(
            f"{out} holds {others[0]!r}, which is no part of a data report and would be lost. Choose another folder with --out."
        )


def _page(report: DataReport) -> DataPage:
    """Return what the page shows."""
    size = report.size
    wrong = f"{len(report.faults)} {'finding' if len(report.faults) == 1 else 'findings'}"
    finding = f"{size.n_events:,} events of {size.users:,} {size.user_kind} with {size.items:,} items; {wrong}."
    return DataPage(finding, _facts(report), data_figures(report), _tables(report))


def _facts(report: DataReport) -> list[tuple[str, str]]:
    """Return facts as pairs of a name and a value."""
    size, histories, sessions = report.size, report.histories, report.sessions
    facts = [
        ("Time (UTC)", size.period or "none"),
        *((f"Events: {name}", f"{count:,}") for name, count in size.events.items()),
        (f"Events per user or session ({size.user_kind}), median", f"{histories.per_user.median:g}"),
        ("Events per item, median", f"{histories.per_item.median:g}"),
        ("Pairs of user and item that occur", f"{100 * size.density:.3g} %"),
        ("Events that repeat an item of their user", _percent(size.repeats)),
        ("Events of the top 1 % of the items", _percent(histories.top_1)),
        ("Events of the top 20 % of the items", _percent(histories.top_20)),
        ("Gini coefficient of the items", f"{histories.gini:.2f}"),
        ("Items without an event", f"{size.items_without_event:,}"),
    ]
    if report.rhythm is not None:
        facts.append(("Events of the last quarter of the time, against the first", f"{report.rhythm.trend:.2f} times"))
    if sessions is not None:
        facts += [
            ("Sessions (30 idle minutes)", f"{sessions.count:,}"),
            ("Events per session, median", f"{sessions.events.median:g}"),
            ("Sessions of one event", _percent(sessions.single)),
            ("Minutes of a longer session, median", f"{sessions.minutes:.1f}"),
        ]
    return facts + [(f"Left out: {name}", f"{count:,}") for name, count in size.left_out.items()]


def _tables(report: DataReport) -> list[Table]:
    """Return the tables."""
    tables = []
    if report.cold:
        rows = [
            (c.split, f"{c.queries:,}", _percent(c.users), _percent(c.items), _percent(c.repeats)) for c in report.cold
        ]
        header = ("Split", "Users asked", "without a history", "test events of new items", "test events that repeat")
        tables.append(Table("What a split leaves without a past", "", header, rows))
    described = (("Columns of the items", report.catalogue), ("Columns of the users", report.user_columns))
    tables += [_columns(title, columns) for title, columns in described if columns]
    return tables


def _columns(title: str, columns: tuple[Column, ...]) -> Table:
    """Return the table of the columns of items or users."""
    listed = [
        (
            c.name,
            c.kind,
            _percent(c.missing),
            f"{c.distinct:,}",
            ", ".join(f"{v} ({n:,})" for v, n in list(c.top.items())[:5]),
        )
        for c in columns
    ]
    return Table(title, "", ("Column", "Type", "Missing", "Distinct", "Most frequent"), listed)


def _percent(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.1f} %"
