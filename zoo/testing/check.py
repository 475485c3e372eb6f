"""What a check is: a small function with a name, a sentence, a remedy, and whom it concerns."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from zoo.spec import StageName
from zoo.testing.requirement import Needs
from zoo.testing.subject import Subject


@dataclass(frozen=True)
class Check:
    """A check.

    Attributes:
        name: Its name within a stage, such as `batch-invariance`.
        theme: The module it comes from.
        sentence: What holds where it passes.
        remedy: What to change where it fails.
        paragraph: Why, and how it is found out: for the docs.
        stages: The stages it concerns.
        only: In words, which components of these stages it concerns; empty for all of them.
        concerns: Whether it concerns a component.
        needs: What has to be in order first.
        run: Raises where the component does not conform.
    """

    name: str
    theme: str
    sentence: str
    remedy: str
    paragraph: str
    stages: tuple[StageName, ...]
    only: str
    concerns: Callable[[Subject], bool]
    needs: Needs
    run: Callable[[Subject], None]

    def id_for(self, stage: StageName) -> str:
        """Return the check's id on a stage, such as `predictor.batch-invariance`."""
        return f"{stage}.{self.name}"


def check(
    *stages: StageName,
    sentence: str,
    remedy: str,
    only: str = "",
    when: Callable[[Subject], bool] = lambda subject: True,
    needs: Needs = "answer",
) -> Callable[[Callable[[Subject], None]], Check]:
    """Make a check of a function; its name is the check's, its docstring the paragraph of the docs.

    Args:
        *stages: The stages it concerns.
        sentence: What holds where it passes.
        remedy: What to change where it fails.
        only: In words, which components it concerns, where it does not concern all.
        when: Whether it concerns a component.
        needs: What has to be in order first.
    """

    def made(run: Callable[[Subject], None]) -> Check:
        return Check(
            name=run.__name__.strip("_").replace("_", "-"),
            theme=run.__module__.rpartition(".")[2],
            sentence=sentence,
            remedy=remedy,
            paragraph=inspect.cleandoc(run.__doc__ or ""),
            stages=stages,
            only=only,
            concerns=when,
            needs=needs,
            run=run,
        )

    return made
