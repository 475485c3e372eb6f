"""Construction: a component is made of its parameters, and nothing else happens."""

from __future__ import annotations

import os
import random
import tempfile
import threading
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import torch

from zoo.errors import NotFittedError
from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import ALL_STAGES, FITTED_STAGES, require
from zoo.testing.subject import Subject, global_randomness


@check(
    *ALL_STAGES, needs="class",
    sentence="An instance holds the parameters that it was given.",
    remedy="Leave `self.params` alone; where a value follows from them, keep it under a name of its own.",
)  # fmt: skip
def keeps_params(subject: Subject) -> None:
    """The configuration in a results file or in an artifact is what the instance was built from.

    An instance that changes its parameters would be recorded as something it is not.
    """
    found = subject.build().params
    require(found == subject.params, f"given {subject.params!r}, it holds {found!r}")


@check(
    *FITTED_STAGES,
    sentence="Building, fitting and asking print nothing and write no file.",
    remedy="Do nothing in the constructor but keep parameters; draw from `context.rng`, report by `context.progress`.",
)  # fmt: skip
def side_effects(subject: Subject) -> None:
    """A component is built and fitted in an empty working folder.

    Whatever it leaves there, prints, or changes in the environment, a user would find in some other place and not know
    whom to ask. Threads that it leaves running count too.
    """
    home, environment, threads = Path.cwd(), dict(os.environ), threading.active_count()
    said = StringIO()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with redirect_stdout(said):
                world = shop()
                subject.ask(subject.fit(world), world)
            left = sorted(p.name for p in Path(folder).iterdir())
        finally:
            os.chdir(home)
    require(not left, f"it wrote {', '.join(left)} into the working folder")
    require(not said.getvalue(), f"it printed {said.getvalue()[:80]!r}")
    require(dict(os.environ) == environment, "it changed the environment variables")
    require(threading.active_count() <= threads, "it left a thread running")


@check(
    *FITTED_STAGES,
    sentence="Building, fitting and asking leave the global random numbers alone.",
    remedy="Draw from `context.rng(label)` or `context.generator(label)`; torch's global generator under `context.seeded(label)`.",
)  # fmt: skip
def global_seed(subject: Subject) -> None:
    """The global generators of torch, numpy and `random` stand where they stood.

    Seeding them in a constructor makes every other part of a program repeat itself; drawing from them makes a result
    depend on what ran before.
    """
    with global_randomness(1234):
        before = _global_state()
        world = shop()
        subject.ask(subject.fit(world), world)
        moved = [name for name, state in _global_state().items() if state != before[name]]
    require(not moved, f"the global generator of {' and '.join(moved)} was seeded or drawn from")


def _global_state() -> dict[str, object]:
    """Return where the global generators stand."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    numpy_state = (name, np.asarray(keys).tobytes(), *rest)
    return {"torch": torch.get_rng_state().numpy().tobytes(), "numpy": numpy_state, "random": random.getstate()}


@check(
    *FITTED_STAGES, needs="class", only="those that learn something", when=lambda s: s.learns,
    sentence="An instance that is asked before it was fitted says so.",
    remedy="Name in `fitted` what `fit` sets, and set none of it in the constructor; where there is nothing to fit, leave "
    "`fitted` empty and declare `Capabilities(trainable=False)`.",
)  # fmt: skip
def not_fitted(subject: Subject) -> None:
    """Asked without a fit, or for its state, an instance raises `NotFittedError`.

    A stage does so by itself where `fitted` names the attributes that `fit` sets. The error tells a user what to do; an
    `AttributeError` on some inner name does not.
    """
    part, world = subject.build(), shop()
    for what, act in (("asked", lambda: subject.ask(part, world)), ("asked for its state", part.state)):
        try:
            act()
        except NotFittedError:
            continue
        except Exception as error:  # which error it is, is the question
            require(False, f"{what} before it is fitted, it raises {type(error).__name__}: {error}")
        require(False, f"{what} before it is fitted, it answers")
