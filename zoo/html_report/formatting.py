"""Figures, durations and names as the HTML report shows them."""

from __future__ import annotations

import math

NONE = "–"


def format_figure(value: float | None) -> str:
    """Return a metric with four decimals, a large one with two."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.2f}"


def format_count(value: float) -> str:
    """Return a count with separators."""
    return f"{value:,.0f}" if math.isfinite(value) else NONE


def format_seconds(value: float) -> str:
    """Return a duration in the largest unit of which it has one."""
    if not math.isfinite(value):
        return NONE
    if value < 1:
        return f"{1000 * value:.3g} ms"
    if value < 60:
        return f"{value:.3g} s"
    return f"{value / 60:.3g} min" if value < 3600 else f"{value / 3600:.3g} h"


def format_seconds_tick(value: float) -> str:
    """Return a duration for the tick of an axis: milliseconds below a second, else seconds."""
    return f"{1000 * value:g} ms" if value < 1 else f"{value:,g} s"


def format_milliseconds(value: float) -> str:
    """Return a latency."""
    return format_seconds(value / 1000)


def format_mebibytes(value: float) -> str:
    """Return an amount of memory in MiB, a large one in GiB."""
    if not math.isfinite(value):
        return NONE
    return f"{value:,.0f} MiB" if value < 10_000 else f"{value / 1024:,.1f} GiB"


def format_short(value: float) -> str:
    """Return a number for the tick of an axis."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-4:
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
