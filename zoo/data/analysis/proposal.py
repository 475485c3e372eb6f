"""A proposed experiment: source, split, rules and models for the data at hand, each line with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.config.experiment import DataSettings
from zoo.config.split_settings import UNIT_COLUMNS, Temporal
from zoo.data.analysis.guess import ReadForReport
from zoo.data.analysis.propose_split import Line, ProposedSplit
from zoo.data.analysis.size import repeated
from zoo.data.checks.unit_columns import UnitColumn, find_unit_columns
from zoo.data.filtering import find_exact_copies
from zoo.data.interactions import Interactions
from zoo.registry.component import Component
from zoo.text_safety import show

PURCHASES = ("purchase", "buy", "order", "transaction", "checkout", "bought", "sale")
"""Names of event types that are purchases."""
REPEATS = 0.05
"""Share of repeated targets from which on seen items may be recommended again."""
EASE_ITEMS = 12_000
"""The most items for `ease`: its matrix of items by items then has 1.2 GB in 64 bits."""
SOFTMAX_ITEMS, SAMPLED = 20_000, "sampled-softmax"
"""The most items for a softmax over all of them on a CPU, and the loss for more."""
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Proposal:
    """A proposed experiment file.

    Attributes:
        text: The TOML, with reasons as comments.
        split: What the split is, in a phrase.
    """

    text: str
    split: str


def propose(
    read: ReadForReport,
    source: Mapping[str, Any],
    split: ProposedSplit,
    predictors: Sequence[Component],
    cleaners: Mapping[str, str],
) -> Proposal:
    """Return a proposed experiment.

    Args:
        read: The data, as the cleaners leave them.
        source: The component of the source with its parameters.
        split: The split to use.
        predictors: The installed predictors.
        cleaners: The names of cleaners that suit what is wrong, with their reasons.
    """
    log = read.data.log
    evaluate = _evaluate_lines(log)
    sections = [
        "# Proposed by `zoo data report`. Each line says why it is there: read them before you trust a figure.",
        _section("[data]", _data_lines(read, source, split, cleaners)),
        _section("[split]", split.lines),
        _section("[evaluate]", evaluate),
        _section("[train]", [Line("seeds", [0, 1, 2], "a model that depends on a seed is tested with three")]),
    ]
    repeats = any(line.key == "exclude_seen" and line.value is not True for line in evaluate)
    sections += [_section("[[model]]", [line]) for line in _models(log, split, predictors, repeats=repeats)]
    return Proposal("\n".join(sections), split.words)


def usable_units(log: Interactions) -> dict[str, UnitColumn]:
    """Return the column of the baskets and of the sessions of users, the canonical name first."""
    found: dict[str, UnitColumn] = {}
    for column in find_unit_columns(log, Temporal()):
        if column.kind not in found or column.name == UNIT_COLUMNS[column.kind]:
            found[column.kind] = column
    return found


def _data_lines(
    read: ReadForReport, source: Mapping[str, Any], split: ProposedSplit, cleaners: Mapping[str, str]
) -> list[Line]:
    """Return the lines of `[data]`."""
    settings, data = read.settings, read.data
    lines = [Line("source", source if len(source) > 1 else source["name"], "")]
    columns = {**settings.columns, **split.columns}
    if columns:
        lines.append(Line("columns", columns, "the known name of a column = its name in the file"))
    if settings.item_columns:
        lines.append(Line("item_columns", settings.item_columns, "the same for the items"))
    if settings.user_columns:
        lines.append(Line("user_columns", settings.user_columns, "the same for the users"))
    if settings.time != "auto":
        lines.append(
            Line(
                "time",
                settings.time,
                "the events have neither times nor positions; models that learn from an order are left out",
            )
        )
    kept = settings.model_dump(
        mode="json",
        exclude_defaults=True,
        include={"ties", "events", "event_weights", "until", "k_core", "salt", "accept"},
    )
    lines += [Line(key, value, "as in the given file") for key, value in kept.items()]
    missing = [name for name in data.notes if name.startswith("left out: rows of ")]
    if missing or settings.null_ids != "error":
        lines.append(
            Line(
                "null_ids",
                "drop",
                "; ".join(f"{n.removeprefix('left out: ')}: {data.notes[n]:,}" for n in missing)
                or "as in the given file",
            )
        )
    lines += _clean_lines(settings, cleaners)
    copies = int(np.count_nonzero(find_exact_copies(data.log))) if data.log.clock == "timestamp" else 0
    if settings.duplicates != "keep":
        lines.append(Line("duplicates", settings.duplicates, "as in the given file"))
    elif copies and "duplicates" not in cleaners and not split.published:
        said = "1 event copies" if copies == 1 else f"{copies:,} events copy"
        lines.append(Line("duplicates", "drop-exact", f"{said} another one"))
    elif _is_unordered(data.log) and len(data.log.event_names) > 1:
        why = "without an order, a view of an item may follow its purchase: one event of a user with an item remains"
        lines.append(Line("duplicates", "first", why))
    return lines


def _clean_lines(settings: DataSettings, cleaners: Mapping[str, str]) -> list[Line]:
    """Return the line of the cleaners: those of the given file, then those that suit what remains."""
    given = settings.model_dump(mode="json", include={"clean"}, exclude_defaults=True).get("clean", [])
    known = {entry["name"] if isinstance(entry, Mapping) else entry for entry in given}
    new = [name for name in cleaners if name not in known]
    if not given and not new:
        return []
    reasons = [*(["as in the given file"] if given else []), *(cleaners[name] for name in new)]
    return [Line("clean", [*given, *new], "\n".join(reasons))]


def _evaluate_lines(log: Interactions) -> list[Line]:
    """Return the lines of `[evaluate]`: what counts as a target, and whether seen items may be recommended."""
    lines, targets, own = [], log, ""
    bought = [name for name in log.event_names if name.lower() in PURCHASES]
    if len(log.event_names) > 1 and _is_unordered(log):
        return [Line("exclude_seen", True, "each user has an item once")]
    if len(log.event_names) > 1 and bought:
        codes = [log.event_names.index(name) for name in bought]
        targets, own = log.where(np.isin(log.events, codes)), "purchases"
        share = len(targets) / len(log)
        lines.append(
            Line(
                "target_events",
                bought,
                f"{share:.1%} of the events are purchases: the others are history, not what is asked for",
            )
        )
    again = float(np.mean(repeated(targets))) if len(targets) else 0.0
    of = f"{again:.1%} of the {own or 'events'} repeat an item of their user"
    if again >= REPEATS:
        lines.append(Line("exclude_seen", False, f"{of}: who recommends only new items cannot hit them"))
    elif own:
        lines.append(Line("exclude_seen", bought, f"{of}; items that were only viewed may be recommended"))
    else:
        lines.append(Line("exclude_seen", True, f"{of}"))
    return lines


def _is_unordered(log: Interactions) -> bool:
    """Return whether nothing tells the order of the events."""
    return log.clock == "file-order"


def _models(log: Interactions, split: ProposedSplit, predictors: Sequence[Component], *, repeats: bool) -> list[Line]:
    """Return the models that suit the data: cheap ones first, each with its reason."""
    ordered = log.clock != "file-order" and split.ordered
    items = int(np.count_nonzero(log.known))
    again = float(np.mean(repeated(log)))
    choices = [
        ("popular", True, "what everybody buys: no model that is worse is worth its cost"),
        ("personal-popular", repeats and again >= REPEATS, f"what the user had before: {again:.1%} of the events are repeats"),
        ("item-knn", True, "items of the same users; strong and fast"),
        ("transition-graph", ordered, "what follows what: strong if the order matters"),
        ("als", True, "matrix factorisation, also for long tails"),
        ("ease", items <= EASE_ITEMS, f"a linear model of items by items: {items:,} squared fit in memory"),
        ("sasrec", ordered, "a sequence network; it takes minutes where the models above take seconds, so it has to beat them"),
    ]  # fmt: skip
    installed = {component.name: component for component in predictors}
    lines = [Line("predictor", name, why) for name, wanted, why in choices if wanted and name in installed]
    return [_with_sampled_loss(line, installed[line.value], items) for line in lines]


def _with_sampled_loss(line: Line, predictor: Component, items: int) -> Line:
    """Return the line of a network with a sampled loss, if there are many items and the default compares with all of them."""
    loss = predictor.spec.params.model_fields.get("loss")
    if items <= SOFTMAX_ITEMS or loss is None or loss.default != "softmax":
        return line
    return Line("predictor", {"name": line.value, "loss": SAMPLED}, f"{line.reason}; its default loss compares with all {items:,} items, this one with a sample")  # fmt: skip


def _section(header: str, lines: Sequence[Line]) -> str:
    """Return a table of TOML with its reasons, each above its line."""
    parts = ["", header]
    for line in lines:
        parts += [f"# {show(reason)}" for reason in line.reason.splitlines()]
        parts.append(f"{line.key} = {format_literal(line.value)}")
    return "\n".join(parts)


def format_literal(value: Any) -> str:
    """Return a JSON value as a TOML literal, with keys and texts quoted where they need it."""
    if isinstance(value, Mapping):
        pairs = (
            f"{key if BARE_KEY.fullmatch(key) else format_literal(key)} = {format_literal(v)}"
            for key, v in value.items()
            if v is not None
        )
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(format_literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
