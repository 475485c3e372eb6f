"""All checks by theme, in the order in which they are run and documented."""

from types import ModuleType

from zoo.testing.check import Check
from zoo.testing.checks import (
    artifact,
    capabilities,
    causality,
    cleaners,
    construction,
    device,
    filters_and_rankers,
    fitting,
    growing,
    honesty,
    learning,
    metadata,
    process,
    scoring,
    search_space,
    serving,
    tables_and_metrics,
)

THEMES: tuple[ModuleType, ...] = (
    metadata,
    construction,
    fitting,
    process,
    scoring,
    search_space,
    causality,
    capabilities,
    filters_and_rankers,
    growing,
    serving,
    tables_and_metrics,
    cleaners,
    honesty,
    learning,
    artifact,
    device,
)
CHECKS: tuple[Check, ...] = tuple(c for theme in THEMES for c in vars(theme).values() if isinstance(c, Check))
