"""Generate the page of the conformance checks from their descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generate.markdown import GENERATED, page
from zoo.spec import STAGES

if TYPE_CHECKING:
    from zoo.testing.check import Check

PAGE = "reference/conformance.md"
INTRODUCTION = """\
Every component of this repository passes these checks. Run them on your plugin with `zoo plugin check NAME`: it prints
the result of each check and how to fix a failure (`--failed` shows only failures). In pytest they are a test of a few
lines:

```python
import my_plugin
import pytest

from zoo.testing import conformance


@pytest.mark.parametrize("case", conformance(my_plugin), ids=str)
def test_conformance(case):
    case()
```

A component is built with the `tiny` parameters of its `ComponentSpec` and fitted on small logs that are part of the kit;
its `Capabilities` decide which checks apply. For each plugin, one fresh process loads what was saved. If a component is
expected to fail a check, its spec names the check and the reason:
`expected_failures={"predictor.batch-invariance": "why"}`. An expected failure that passes is reported as a failure."""


def conformance_page() -> dict[str, str]:
    """Return the page, keyed by its path in `docs`."""
    from zoo.testing.all_checks import THEMES
    from zoo.testing.check import Check

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
    """Return which components a check applies to."""
    stages = [f"{stage}s" for stage in STAGES if stage in check.stages]
    whom = (
        "All components"
        if len(stages) == len(STAGES)
        else " and ".join(filter(None, [", ".join(stages[:-1]), stages[-1]]))
    )
    return f"{whom[:1].upper()}{whom[1:]}{f': {check.only}' if check.only else ''}."
