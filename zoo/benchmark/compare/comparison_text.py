"""A comparison of two models as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.benchmark.compare.compare_rows import PairedComparison, SlicedDifference

SIGNIFICANT = " *"


def format_comparison(found: PairedComparison) -> str:
    """Return what differs between two models, their difference, and the differences on slices."""
    parts = [
        f"{found.first} and {found.second}",
        "\n".join(_differences(found)),
        "\n".join(_sentences(found)),
        "\n".join(_slices(found)),
        "\n".join(found.notes),
    ]
    return "\n\n".join(part for part in parts if part)


def _differences(found: PairedComparison) -> list[str]:
    """Return the lines on what differs besides the figures."""
    if not found.differences:
        return ["Nothing differs between them: model, settings, data, seed, versions and machine are the same."]
    width = max(len(each.what) for each in found.differences)
    return [
        "What differs (queries and targets are the same):",
        *(f"  {each.what.ljust(width)}  {_sides(each.first, each.second)}" for each in found.differences),
    ]


def _sides(first: str, second: str) -> str:
    """Return the two values of a difference."""
    return f"{first} | {second}".rstrip(" |") if first or second else ""


def _sentences(found: PairedComparison) -> list[str]:
    """Return the difference over all queries in sentences."""
    whole = found.whole
    verdict = "significant" if whole.significant else "not significant"
    lines = [
        f"{found.metric}: {found.first} {whole.first:.4f}, {found.second} {whole.second:.4f}. The difference is {_signed(whole.difference)} "
        f"({_interval(whole, '95 % interval ')}), {verdict}."
    ]
    better, worse = ("higher", "lower") if found.higher_is_better is None else ("better", "worse")
    lines.append(
        f"Of {whole.queries:,} queries, {found.second} is {better} in {whole.better:,}, {worse} in {whole.worse:,}, and equal in "
        f"{whole.equal:,}."
    )
    return lines


def _interval(each: SlicedDifference, title: str = "") -> str:
    """Return the interval of a difference."""
    if each.low is None or each.high is None:
        return "too few queries differ for an interval"
    return f"{title}{_signed(each.low)} to {_signed(each.high)}"


def _signed(value: float) -> str:
    """Format a difference."""
    return f"{value:+.4f}"


def _slices(found: PairedComparison) -> list[str]:
    """Return the table of the slices."""
    if not found.slices:
        return []
    words = ("higher", "lower") if found.higher_is_better is None else ("better", "worse")
    headers = ["slice", "", "queries", found.first, found.second, "difference", "interval", *words, "equal"]
    rows = [
        [
            each.name, each.value, f"{each.queries:,}", f"{each.first:.4f}", f"{each.second:.4f}",
            _signed(each.difference) + (SIGNIFICANT if each.significant else ""),
            "too few differ" if each.low is None else _interval(each),
            f"{each.better:,}", f"{each.worse:,}", f"{each.equal:,}",
        ]
        for each in found.slices
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [headers, *rows]
    ]
    named = [f"{each.name} {each.value}" for each in found.slices if each.significant]
    where = f"They differ significantly on: {', '.join(named)}." if named else "They differ significantly on no slice."
    return [*lines, f"{where} The intervals of the slices cover together with a probability of 95 %."]
