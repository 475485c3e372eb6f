"""A component under test, which is built with its `tiny` parameters, fitted on a world and queried."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.config.train import NetworkSettings
from zoo.data.cleaner import Cleaner
from zoo.data.dataset import Dataset
from zoo.data.queries import Queries
from zoo.errors import ZooError
from zoo.evaluation.metric import Metric
from zoo.params import Params
from zoo.registry.component import Component
from zoo.spec import Capabilities, StageName
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.featurizer import Featurizer
from zoo.stages.filter import Filter
from zoo.stages.predictor import Predictor
from zoo.stages.process_state import restored_process_state
from zoo.stages.ranker import Ranker
from zoo.stages.ranking_data import RankingData
from zoo.testing.data import World, shop
from zoo.testing.first_use import FirstUse, observe_first_use
from zoo.testing.fresh_report import Reporter
from zoo.testing.requirement import FITTED_STAGES, CheckFailedError, Needs
from zoo.testing.shape_checks import cast, require_shape, require_values
from zoo.tracebacks import undeclared_histories

BASES: dict[StageName, type] = {
    "dataset": Dataset, "cleaner": Cleaner, "featurizer": Featurizer, "predictor": Predictor, "filter": Filter, "ranker": Ranker,
    "metric": Metric,
}  # fmt: skip
SETTINGS = NetworkSettings(max_epochs=8, batch_size=16, learning_rate=0.01)
"""Default training settings of networks on the kit's logs."""
RANKER_SETTINGS = SETTINGS.model_copy(update={"max_epochs": 30, "batch_size": 32})
"""Training settings of neural rankers on the kit's lists."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A component under test, as the checks use it."""

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
        """Return its declared capabilities under the `tiny` parameters."""
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
    def has_state(self) -> bool:
        """Return whether `fit` sets state: the component is trainable, or has names in `fitted`."""
        return self.capabilities.trainable or (self.stage != "ranker" and bool(self.target.fitted))  # type: ignore[attr-defined]

    @property
    def settings(self) -> NetworkSettings:
        """Return the training settings, which only networks use."""
        return RANKER_SETTINGS if self.stage == "ranker" else SETTINGS

    def build(self) -> Any:
        """Return an instance, not fitted."""
        built = self.target(self.params)
        if self.stage == "metric":
            built.declared = self.capabilities
        return built

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
        observed: bool = False,
    ) -> Any:
        """Fit a new instance, or `part` if given, on a world and return it.

        The global state of the process is restored afterwards, unless `observed` is true.
        """
        with nullcontext() if observed else restored_process_state():
            part = self.build() if part is None else part
            context = RunContext(seed=seed, device=torch.device(device), validate=validate, epochs=epochs, training=TrainingEnvironment(settings=settings or self.settings))  # fmt: skip
            if self.stage != "ranker":
                part.fit(world.data(self.capabilities), context)
            elif self.has_state:
                part.fit(RankingData.of(world.prepare_lists(world.labelled, self.capabilities)), context)
        return part

    def ask(self, part: Any, world: World, queries: Queries | None = None) -> Tensor:
        """Return the outputs of a fitted instance for a world, as a matrix with a row per query, list or item.

        Args:
            part: The instance.
            world: The world whose queries, lists or catalogue it gets.
            queries: Queries that replace those of the world, passed unchanged.
        """
        queries = world.prepare_queries(world.queries, self.capabilities) if queries is None else queries
        with torch.inference_mode():
            return self._as_matrix(self._call(part, world, queries), world, len(queries))

    def _as_matrix(self, answer: Any, world: World, n_queries: int) -> Tensor:
        """Return the raw output of a component as a matrix."""
        answer = cast(answer)
        if self.stage == "filter":
            answer = answer.expand(n_queries, -1)
        elif self.stage == "ranker":
            answer = answer.masked_fill(~world.lists.mask, 0.0)
        elif self.stage == "featurizer":
            answer = answer.rows(torch.arange(len(world.catalogue)))
        matrix: Tensor = answer.detach().cpu().clone()
        return matrix

    def _call(self, part: Any, world: World, queries: Queries) -> Any:
        """Return the raw output of the method of its stage."""
        if self.stage == "predictor":
            return part.score(queries)
        if self.stage == "filter":
            return part.keep(queries)
        if self.stage == "ranker":
            return part.score(world.prepare_lists(world.lists, self.capabilities))
        return part.transform(world.catalogue)

    @cached_property
    def world(self) -> World:
        """Return the shop that `fitted` was fitted on: a separate copy, in case the component modifies its input."""
        world = shop()
        if self.stage != "ranker":
            return world
        lists, labelled = (world.prepare_lists(part, self.capabilities) for part in (world.lists, world.labelled))
        return replace(world, lists=lists, labelled=labelled)

    @cached_property
    def first_use(self) -> FirstUse:
        """Return the instance that was built, fitted and queried first, with its side effects."""
        world = self.world
        return observe_first_use(
            world,
            lambda: self.fit(world, observed=True),
            lambda part: self._call(part, world, self.queries()),
            lambda answer: self._as_matrix(answer, world, len(self.queries())),
        )

    @property
    def fitted(self) -> Any:
        """Return an instance fitted on the shop, shared by the checks that do not fit it again."""
        return self.first_use.part

    @property
    def answer(self) -> Tensor:
        """Return the first outputs of the fitted instance for its shop."""
        answer = self.first_use.answer
        return self.ask(self.fitted, self.world) if answer is None else answer

    def queries(self, kept: Callable[[Queries], Any] | None = None) -> Queries:
        """Return the shop's queries as the core passes them, or those where the mask `kept` is true."""
        prepared = self.world.prepare_queries(self.world.queries, self.capabilities)
        return prepared if kept is None else prepared.where(kept(prepared))

    @cached_property
    def _problems(self) -> dict[Needs, str]:
        """Return the problem that prevents each level of `Needs`, computed once."""
        found: dict[Needs, str] = {"spec": ""}
        found["class"] = self._first_error({"tiny-valid": lambda: self.params, "target": self._require_class})
        if self.stage not in FITTED_STAGES:
            found["fit"] = found["answer"] = found["class"]
            if self.stage == "metric" and not found["class"]:
                found["answer"] = self._first_error({"one-value-per-query": lambda: require_values(self.build())})
            return found
        found["fit"] = found["class"] or self._first_error({"fits": self.fit_and_ask})
        expected = f"{self.stage}.shape" in self.component.spec.expected_failures
        found["answer"] = found["fit"] or ("" if expected else self._first_error({"shape": self.require_shape}))
        return found

    def fit_and_ask(self) -> None:
        """Fit on the shop, and query the instance."""
        error = self.first_use.error
        if error is not None:
            raise error

    def require_shape(self) -> None:
        """Require outputs of the shape and dtype of the stage.

        Raises:
            CheckFailedError: The shape or dtype of an output is wrong.
        """
        require_shape(self.fitted, self.stage, self.world, self.queries())

    def problem(self, needs: Needs) -> str:
        """Return the problem that prevents a check with these needs; empty if there is none."""
        return "" if needs == "spec" else self._problems[needs]

    def _first_error(self, steps: dict[str, Callable[[], Any]]) -> str:
        """Return a message that names the first step that fails; empty if none does."""
        for name, step in steps.items():
            try:
                with redirect_stdout(StringIO()):
                    step()
            except (Exception, SystemExit):  # a component may raise anything
                return f"fix {self.stage}.{name} first"
        return ""

    def describe_error(self, error: BaseException) -> str:
        """Return an error as text, with the last line of the component's own code in the traceback."""
        if isinstance(error, CheckFailedError | ZooError):
            return str(error)
        module = sys.modules.get(self.component.spec.target.partition(":")[0])
        folder = str(Path(getattr(module, "__file__", None) or "<none>").parent)
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(folder)]
        place = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
        return f"{type(error).__name__}: {error}{undeclared_histories(error)}{place}"

    def _require_class(self) -> type:
        """Return the class.

        Raises:
            ZooError: It is not a subclass of the base class of its stage.
        """
        if not (isinstance(self.target, type) and issubclass(self.target, BASES[self.stage])):
            raise ZooError(f"{self.component.spec.target!r} is not a {BASES[self.stage].__name__}")
        return self.target


def difference(a: Tensor, b: Tensor, *, exact: bool = False, loose: bool = False) -> str:
    """Return a message about the largest difference between two outputs; empty if they agree.

    Args:
        a: The first output.
        b: The second output.
        exact: Require bit-identical values; by default, rounding differences are tolerated.
        loose: Also tolerate differences between devices.
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
        f"{int(far.sum())} of {a.numel()} values differ, the largest difference is in row {row}, column {column}: "
        f"{float(a[row, column]):.7g} and {float(b[row, column]):.7g}"
    )


def places(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the slots of lists by descending score, `[B, K]`; ties keep their order, empty slots come last."""
    return scores.masked_fill(~mask, -torch.inf).sort(dim=1, descending=True, stable=True).indices


def with_histories(queries: Queries) -> Any:
    """Return a mask of the queries with a history, `[Q]` bool."""
    return queries.lengths > 0
