"""A check: a small function with a name, a sentence, a remedy, and the components it applies to."""

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
        sentence: What is true of a component that passes.
        remedy: What to change in a component that fails.
        paragraph: The reason for the check and its method, for the docs.
        stages: The stages it applies to.
        only: A description of the components of these stages that it applies to; empty for all of them.
        concerns: Returns whether it applies to a component.
        needs: What must work before the check can run.
        run: Raises if the component does not conform.
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
    """Turn a function into a check. The function's name becomes the check's name, and its docstring the paragraph in the docs.

    Args:
        *stages: The stages it applies to.
        sentence: What is true of a component that passes.
        remedy: What to change in a component that fails.
        only: A description of the components that it applies to; empty for all of them.
        when: Returns whether it applies to a component.
        needs: What must work before the check can run.
    """

    def decorate(run: Callable[[Subject], None]) -> Check:
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

    return decorate
