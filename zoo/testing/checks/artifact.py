"""Artifacts: a fitted component can be saved, and loaded in another process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from zoo.errors import ArtifactError
from zoo.testing.changed_states import changed_states
from zoo.testing.check import check
from zoo.testing.requirement import FITTED_STAGES, NotApplicableError, require
from zoo.testing.subject import Subject, difference


@check(
    *FITTED_STAGES,
    sentence="The fitted state is tensors and JSON.",
    remedy="List in `fitted` only tensors (dense, or a CSR matrix), numbers, strings, lists and dicts; convert arrays to tensors; never pickle.",
)  # fmt: skip
def state(subject: Subject) -> None:
    """The check saves a fitted instance as an artifact: tensors as safetensors, everything else as JSON.

    Neither format can hold code, so a model from an untrusted author can be loaded safely.
    """
    from zoo.testing.fresh import save_component

    with tempfile.TemporaryDirectory() as folder:
        try:
            save_component(subject, Path(folder) / "artifact")
        except (ArtifactError, TypeError, ValueError) as error:
            require(False, f"it cannot be saved: {error}")


@check(
    *FITTED_STAGES, only="components of plugin API 2 with fitted state",
    when=lambda s: s.has_state and s.component.spec.api > 1,
    sentence="The form of each fitted attribute is declared, and a state of another form is refused.",
    remedy='Declare type and shape of each attribute, `fitted = Fitted(vectors="float32 [I, D]", names=list[str])`; a class with '
    "a `state` of its own also overrides `state_schema`.",
)  # fmt: skip
def declared_state(subject: Subject) -> None:
    """The check loads the fitted state without an entry, with another type, and with a row less; each must be refused.

    The core compares a saved state with its declaration before a component gets it. A tensor of another type or of another
    vocabulary would otherwise give wrong lists, or end the process.
    """
    from zoo.artifacts.stages import load_stage

    log, state = subject.world.log, subject.fitted.state()
    sizes = {"I": log.n_items + 1, "U": log.n_users, "E": len(log.event_names)}
    declared = bool(subject.fitted.state_schema()) or not (state.tensors or state.values)
    require(declared, f"it declares the names {', '.join(subject.target.fitted)} only")  # type: ignore[attr-defined]
    for what, changed in changed_states(state, sizes["I"]):
        try:
            load_stage(subject.build(), changed, "the artifact", sizes)
        except ArtifactError:
            continue
        require(False, f"it was loaded with another state: {what}")


@check(
    *FITTED_STAGES,
    sentence="After loading in a fresh process, the outputs are bit-identical.",
    remedy="List in `fitted` everything that inference needs, and derive the rest from it and from `params`.",
)  # fmt: skip
def fresh_process(subject: Subject) -> None:
    """A process that never saw the training data loads the artifact and answers the queries of the kit's shop.

    Anything that an instance keeps outside its state, such as a mapping built in `fit` or a module global, is missing there.
    One process serves all components of a plugin.
    """
    report = subject.fresh.report
    key = f"{subject.stage}/{subject.name}"
    if key not in report.before:
        raise NotApplicableError(f"fix {subject.stage}.state first: {report.errors.get(key, 'it was not saved')}")
    require(not report.failure, report.failure)
    require(key in report.after, f"in the fresh process: {report.errors.get(key, 'no output')}")
    found = difference(report.before[key], report.after[key], exact=True)
    require(not found, f"before saving and in a fresh process: {found}")
