"""The page of the conformance checks, from what the checks say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.cli.markdown import GENERATED, page
from zoo.spec import STAGES

if TYPE_CHECKING:
    from zoo.testing.check import Check

PAGE = "reference/conformance.md"
INTRODUCTION = """\
Every component of this repository passes these checks, and so can yours: `zoo plugin check NAME` prints a table, with
what to change where one fails (`--failed` shows these alone). In pytest they are a test of a few lines:

```python
import my_plugin
import pytest

from zoo.testing import conformance


@pytest.mark.parametrize("case", conformance(my_plugin), ids=str)
def test_conformance(case):
    case()
```

A component is built with the `tiny` parameters of its `ComponentSpec` and fitted on small logs that the kit brings; its
`Capabilities` decide which checks concern it. One fresh process a plugin loads what was saved. A check that a component
is right to fail is named, with the reason, in its spec: `expected_failures={"predictor.batch-invariance": "why"}`; one
that passes all the same is a failure."""


def conformance_page() -> dict[str, str]:
    """Return the page by its path in `docs`."""
    from zoo.testing.check import Check
    from zoo.testing.themes import THEMES

    parts = ["# Conformance checks", GENERATED, INTRODUCTION]
    for theme in THEMES:
        title, _, what = (theme.__doc__ or "").strip().partition(": ")
        parts += [f"## {title}", f"{what[:1].upper()}{what[1:]}"]
        for check in vars(theme).values():
            if isinstance(check, Check):
                parts += _format_check(check)
    return {PAGE: page(parts)}


def _format_check(check: Check) -> Iterator[str]:
    """Yield the paragraphs of a check."""
    yield f"### {check.name}"
    yield f"**{check.sentence}** {_whom(check)}"
    yield " ".join(check.paragraph.split())
    yield f"What to change: {check.remedy}"


def _whom(check: Check) -> str:
    """Return whom a check concerns, in words."""
    stages = [f"{stage}s" for stage in STAGES if stage in check.stages]
    whom = (
        "All components"
        if len(stages) == len(STAGES)
        else " and ".join(filter(None, [", ".join(stages[:-1]), stages[-1]]))
    )
    return f"{whom[:1].upper()}{whom[1:]}{f': {check.only}' if check.only else ''}."
