"""Artifacts: what was learned can be written down, and read by somebody else."""

from __future__ import annotations

import tempfile
from pathlib import Path

from zoo.errors import ArtifactError
from zoo.testing.check import check
from zoo.testing.requirement import FITTED_STAGES, NotApplicableError, require
from zoo.testing.subject import Subject, difference


@check(
    *FITTED_STAGES,
    sentence="What it learned is tensors and JSON.",
    remedy="Name in `fitted` tensors (dense, or a matrix in CSR layout), numbers, texts, lists and tables; turn arrays into tensors; never pickle.",
)  # fmt: skip
def state(subject: Subject) -> None:
    """A fitted instance is saved in an artifact: safetensors for the tensors, JSON for the rest.

    Neither can hold code, so that a model from somebody else can be loaded without trusting them.
    """
    from zoo.testing.fresh import saved_component

    with tempfile.TemporaryDirectory() as folder:
        try:
            saved_component(subject, Path(folder) / "artifact")
        except (ArtifactError, TypeError, ValueError) as error:
            require(False, f"it cannot be saved: {error}")


@check(
    *FITTED_STAGES,
    sentence="Loaded in a fresh process it answers as before, to the last bit.",
    remedy="Name in `fitted` everything that answering needs, and derive the rest from it and from `params`.",
)  # fmt: skip
def fresh_process(subject: Subject) -> None:
    """The artifact is loaded by a process that never saw the training data, and the shop's questions are asked there.

    What an instance keeps beside its state, such as a mapping made in `fit` or a module's global, is not there. One process
    serves all components of a plugin.
    """
    report = subject.fresh.report
    key = f"{subject.stage}/{subject.name}"
    if key not in report.before:
        raise NotApplicableError(f"mend {subject.stage}.state first: {report.errors.get(key, 'it was not saved')}")
    require(not report.failure, report.failure)
    require(key in report.after, f"in the fresh process: {report.errors.get(key, 'no answer')}")
    found = difference(report.before[key], report.after[key], exact=True)
    require(not found, f"before saving and in a fresh process: {found}")
