"""Construction: a component is built from its parameters, without side effects."""

from __future__ import annotations

from zoo.errors import NotFittedError
from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import ALL_STAGES, FITTED_STAGES, require
from zoo.testing.subject import Subject


@check(
    *ALL_STAGES, needs="class",
    sentence="An instance keeps its parameters unchanged.",
    remedy="Do not modify `self.params`; store derived values in separate attributes.",
)  # fmt: skip
def keeps_params(subject: Subject) -> None:
    """Results files and artifacts record the parameters that an instance was built with.

    If an instance changes its parameters, the record is wrong.
    """
    found = subject.build().params
    require(found == subject.params, f"built with {subject.params!r}, it has {found!r}")


@check(
    *FITTED_STAGES,
    sentence="Construction, fitting and inference print nothing and write no files.",
    remedy="Only store parameters in the constructor; draw from `context.rng`, and report through `context.progress`.",
)  # fmt: skip
def side_effects(subject: Subject) -> None:
    """The check builds, fits and queries a component in an empty working directory.

    It fails if the component writes a file there, prints, changes environment variables or leaves a thread running. Users
    could not tell where such side effects come from.
    """
    use = subject.first_use
    require(not use.files, f"it wrote {', '.join(use.files)} into the working directory")
    require(not use.printed, f"it printed {use.printed[:80]!r}")
    require("environment" not in use.state, f"it changed {use.state.get('environment')}")
    require(use.threads <= 0, "it left a thread running")


@check(
    *FITTED_STAGES,
    sentence="Construction, fitting and inference do not touch the global random generators.",
    remedy="Draw from `context.rng(label)` or `context.generator(label)`; use torch's global generator only under `context.seeded(label)`.",
)  # fmt: skip
def global_seed(subject: Subject) -> None:
    """The check compares the state of the global generators of torch, numpy and `random` before and after.

    Seeding them makes the rest of a program repeat the same random numbers; drawing from them makes a result depend on
    what ran before.
    """
    moved = subject.first_use.generators
    require(not moved, f"the global generator of {' and '.join(moved)} was seeded or drawn from")


@check(
    *FITTED_STAGES, needs="class", only="components with fitted state", when=lambda s: s.has_state,
    sentence="An instance that is not fitted raises `NotFittedError`.",
    remedy="List in `fitted` what `fit` sets, and set none of it in the constructor; if there is nothing to fit, leave "
    "`fitted` empty and declare `Capabilities(trainable=False)`.",
)  # fmt: skip
def not_fitted(subject: Subject) -> None:
    """The check queries an unfitted instance and reads its state; both must raise `NotFittedError`.

    The base classes raise it for the attributes listed in `fitted`. The error tells the user what to do; an
    `AttributeError` on an internal name does not.
    """
    part, world = subject.build(), shop()
    for what, act in (("queried", lambda: subject.ask(part, world)), ("asked for its state", part.state)):
        try:
            act()
        except NotFittedError:
            continue
        except Exception as error:  # any other error fails the check
            require(False, f"{what} before `fit`, it raises {type(error).__name__}: {error}")
        require(False, f"{what} before `fit`, it raises no error")
