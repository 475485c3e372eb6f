"""A component under test: built with its `tiny` parameters, fitted on a world, asked what it makes of it."""

from __future__ import annotations

import random
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.config.train import NetworkSettings
from zoo.data.dataset import Dataset
from zoo.data.queries import Queries
from zoo.errors import ZooError
from zoo.evaluation.metric import Metric
from zoo.params import Params
from zoo.registry.registry import Component
from zoo.spec import Capabilities, StageName
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.featurizer import Featurizer
from zoo.stages.filter import Filter
from zoo.stages.predictor import Predictor
from zoo.stages.ranker import Ranker
from zoo.stages.ranking import RankingData
from zoo.testing.data import World, shop
from zoo.testing.fresh_report import Reporter
from zoo.testing.requirement import FITTED_STAGES, CheckFailedError, Needs
from zoo.testing.shapes import require_shape

BASES: dict[StageName, type] = {
    "dataset": Dataset, "featurizer": Featurizer, "predictor": Predictor, "filter": Filter, "ranker": Ranker,
    "metric": Metric,
}  # fmt: skip
SETTINGS = NetworkSettings(max_epochs=8, batch_size=16, learning_rate=0.01)
"""How networks are trained on the kit's logs, where a check does not say otherwise."""
RANKER_SETTINGS = SETTINGS.model_copy(update={"max_epochs": 30, "batch_size": 32})
"""How the networks of rankers are trained on the kit's lists."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A component as the checks see it."""

    component: Component
    process: Reporter | None = None

    @property
    def stage(self) -> StageName:
        """Return its stage."""
        return self.component.spec.stage

    @property
    def name(self) -> str:
        """Return its name."""
        return self.component.name

    @cached_property
    def params(self) -> Params:
        """Return its `tiny` parameters."""
        return self.component.params(dict(self.component.spec.tiny), f"tiny of {self.name}")

    @cached_property
    def capabilities(self) -> Capabilities:
        """Return what it says it can do under them."""
        return self.component.capabilities(self.params)

    @cached_property
    def target(self) -> type:
        """Return its class."""
        return self.component.target()

    @property
    def fresh(self) -> Reporter:
        """Return the fresh process of its plugin."""
        assert self.process is not None
        return self.process

    @property
    def learns(self) -> bool:
        """Return whether a fit sets anything: what says that it learns nothing, and names nothing in `fitted`, has none."""
        return self.capabilities.trainable or (self.stage != "ranker" and bool(self.target.fitted))  # type: ignore[attr-defined]

    @property
    def settings(self) -> NetworkSettings:
        """Return how its network is trained, if it is one."""
        return RANKER_SETTINGS if self.stage == "ranker" else SETTINGS

    def build(self) -> Any:
        """Return an instance, not fitted."""
        return self.target(self.params)

    def fit(
        self,
        world: World,
        *,
        part: Any = None,
        seed: int = 0,
        epochs: int | None = None,
        validate: Callable[[Any], float] | None = None,
        device: str | torch.device = "cpu",
        settings: NetworkSettings | None = None,
    ) -> Any:
        """Return an instance that was fitted on a world: a fresh one, or `part` fitted again."""
        part = self.build() if part is None else part
        context = RunContext(seed=seed, device=torch.device(device), validate=validate, epochs=epochs, training=TrainingEnvironment(settings=settings or self.settings))  # fmt: skip
        if self.stage != "ranker":
            part.fit(world.data(self.capabilities), context)
        elif self.learns:
            part.fit(RankingData.of(world.labelled), context)
        return part

    def ask(self, part: Any, world: World, queries: Queries | None = None) -> Tensor:
        """Return what a fitted instance makes of a world, as a matrix: a row a query, a list, or an item.

        Args:
            part: The instance.
            world: What it is asked of.
            queries: Asked instead of the world's own, and as they are.
        """
        queries = world.seen_by(world.queries, self.capabilities) if queries is None else queries
        with torch.inference_mode():
            answer = self.asked(part, world, queries)
            if self.stage == "filter":
                answer = answer.expand(len(queries), -1)
            elif self.stage == "ranker":
                answer = answer.masked_fill(~world.lists.mask, 0.0)
            elif self.stage == "featurizer":
                answer = answer.rows(torch.arange(len(world.catalogue)))
        matrix: Tensor = answer.detach().cpu().clone()
        return matrix

    def asked(self, part: Any, world: World, queries: Queries) -> Any:
        """Return what a fitted instance answers, whatever that is."""
        if self.stage == "predictor":
            return part.score(queries)
        if self.stage == "filter":
            return part.keep(queries)
        return part.score(world.lists) if self.stage == "ranker" else part.transform(world.catalogue)

    @cached_property
    def world(self) -> World:
        """Return the shop that `fitted` was fitted on: its own, in case it changes what it is handed."""
        return shop()

    @cached_property
    def fitted(self) -> Any:
        """Return an instance fitted on the shop, for the checks that only ask."""
        return self.fit(self.world)

    @cached_property
    def answer(self) -> Tensor:
        """Return what the fitted instance makes of its own shop."""
        return self.ask(self.fitted, self.world)

    def queries(self, kept: Callable[[Queries], Any] | None = None) -> Queries:
        """Return the shop's queries as the core hands them over, or those of them that a mask keeps."""
        asked = self.world.seen_by(self.world.queries, self.capabilities)
        return asked if kept is None else asked.where(kept(asked))

    @cached_property
    def _troubles(self) -> dict[Needs, str]:
        """Return what is not in order, by what needs it; found out once."""
        found: dict[Needs, str] = {"spec": ""}
        found["class"] = self._first_error({"tiny-valid": lambda: self.params, "target": self._class})
        if self.stage not in FITTED_STAGES:
            return found
        found["fit"] = found["class"] or self._first_error({"fits": self.try_out})
        expected = f"{self.stage}.shape" in self.component.spec.expected_failures
        found["answer"] = found["fit"] or ("" if expected else self._first_error({"shape": self.require_shape}))
        return found

    def try_out(self) -> None:
        """Fit on the shop, and ask."""
        part = self.fitted
        with torch.inference_mode():
            self.asked(part, self.world, self.queries())

    def require_shape(self) -> None:
        """Hold the fitted instance to the shape and the type of its stage.

        Raises:
            CheckFailedError: An answer is of another.
        """
        require_shape(self.fitted, self.stage, self.world, self.queries())

    def trouble(self, needs: Needs) -> str:
        """Return what is not in order of what a check needs, or nothing."""
        return "" if needs == "spec" else self._troubles[needs]

    def _first_error(self, steps: dict[str, Callable[[], Any]]) -> str:
        """Return which of some steps fails first and why, or nothing."""
        for name, step in steps.items():
            try:
                with redirect_stdout(StringIO()):
                    step()
            except Exception:  # a stranger's component may raise anything
                return f"mend {self.stage}.{name} first"
        return ""

    def told(self, error: BaseException) -> str:
        """Return an error in words, with the last line of the component's own that it came through."""
        if isinstance(error, CheckFailedError | ZooError):
            return str(error)
        module = sys.modules.get(self.component.spec.target.partition(":")[0])
        folder = str(Path(getattr(module, "__file__", None) or "<none>").parent)
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(folder)]
        place = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
        return f"{type(error).__name__}: {error}{place}"

    def _class(self) -> type:
        """Return the class.

        Raises:
            ZooError: It is of another kind than its stage asks for.
        """
        if not (isinstance(self.target, type) and issubclass(self.target, BASES[self.stage])):
            raise ZooError(f"{self.component.spec.target!r} is no {BASES[self.stage].__name__}")
        return self.target


@contextmanager
def global_randomness(seed: int) -> Iterator[None]:
    """Seed every global source of random numbers for a block of code, and restore them."""
    kept = (torch.get_rng_state(), np.random.get_state(), random.getstate())  # noqa: NPY002
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        random.setstate(kept[2])


def difference(a: Tensor, b: Tensor, *, exact: bool = False, loose: bool = False) -> str:
    """Return where two answers differ most, in words, or nothing where they are the same.

    Args:
        a: An answer.
        b: Another one.
        exact: Whether the last bit counts; otherwise what another order of additions changes does not.
        loose: Whether what another machine changes does not count either.
    """
    if a.shape != b.shape:
        return f"shapes {tuple(a.shape)} and {tuple(b.shape)}"
    a, b = a.double(), b.double()
    scale = float(a[a.isfinite()].abs().max()) if a.isfinite().any() else 1.0
    rtol, atol = (0.0, 0.0) if exact else (1e-2, 1e-3 * scale) if loose else (1e-4, 1e-5 * scale)
    far = ~torch.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    if not far.any():
        return ""
    row, column = far.nonzero()[(a - b).abs().nan_to_num(nan=torch.inf)[far].argmax()].tolist()
    return (
        f"{int(far.sum())} of {a.numel()} values differ, most of all row {row}, column {column}: "
        f"{float(a[row, column]):.7g} and {float(b[row, column]):.7g}"
    )


def places(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the slots of lists in the order of their scores, best first, equal ones as they stand, empty ones last, `[B, K]`."""
    return scores.masked_fill(~mask, -torch.inf).sort(dim=1, descending=True, stable=True).indices


def with_histories(queries: Queries) -> Any:
    """Return which queries have a history, `[Q]` bool."""
    return queries.lengths > 0


def as_of_new_users(queries: Queries) -> Queries:
    """Return the queries as if all came from users outside training."""
    return replace(queries, users=np.zeros_like(queries.users))
