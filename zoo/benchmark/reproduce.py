"""Reproduce published figures: run a recipe of a component, and compare what was measured with what was published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from zoo.benchmark.progress import Progress
from zoo.benchmark.python.calls import bench
from zoo.benchmark.results_folder.row import Row
from zoo.config.load import experiment_from
from zoo.config.recipe import recipe_of
from zoo.errors import ConfigError
from zoo.registry.registry import registry_with
from zoo.spec import Figure


@dataclass(frozen=True)
class ReproducedFigure:
    """A published figure beside the measured one.

    Attributes:
        figure: What was published, its tolerance and its source, and what the authors of the plugin measured.
        values: The value of each seed; a single one for a model without a seed.
    """

    figure: Figure
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return fmean(self.values)

    @property
    def spread(self) -> float | None:
        """The standard deviation between seeds; None for a single value."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def reached(self) -> bool:
        """Whether the mean is at least the published value less its tolerance."""
        return self.mean >= self.figure.value - self.figure.tolerance

    def as_json(self) -> dict[str, Any]:
        """Return all values for JSON."""
        found = {"measured": self.mean, "spread": self.spread, "values": list(self.values), "reached": self.reached}
        published = {name: value for name, value in asdict(self.figure).items() if name not in ("measured", "seeds")}
        return {**published, **found, "recorded": self.figure.measured, "recorded_seeds": self.figure.seeds}


@dataclass(frozen=True)
class Reproduction:
    """The figures of a recipe, published and measured.

    Attributes:
        model: The name of the component.
        recipe: The name of the recipe.
        others: The other recipes of the component.
        seeds: The seeds; empty for a model without one.
        figures: The figures.
        seconds: The seconds of all fits.
        folder: The folder of the results.
    """

    model: str
    recipe: str
    others: tuple[str, ...]
    seeds: tuple[int, ...]
    figures: tuple[ReproducedFigure, ...]
    seconds: float
    folder: Path

    @property
    def reached(self) -> bool:
        """Whether every figure is reached."""
        return all(figure.reached for figure in self.figures)

    def as_json(self) -> dict[str, Any]:
        """Return all values for JSON."""
        return {
            "model": self.model,
            "recipe": self.recipe,
            "seeds": list(self.seeds),
            "reached": self.reached,
            "fit_seconds": self.seconds,
            "folder": str(self.folder),
            "figures": [figure.as_json() for figure in self.figures],
        }


def reproduce(
    model: str,
    recipe: str | None = None,
    *,
    seeds: int = 1,
    out: str | Path | None = None,
    plugins: Iterable[str | Path] = (),
    progress: Progress | None = None,
    wait: bool = False,
) -> Reproduction:
    """Run a recipe of a model and compare its figures with the published ones. Finished runs in the folder are kept.

        zoo.reproduce("sasrec", "amazon-beauty-refit", seeds=3).reached

    Args:
        model: The name of a predictor.
        recipe: The name of the recipe, as `zoo show MODEL` lists them; the first one by default.
        seeds: The number of seeds, for a model that depends on one: 0, 1, ...
        out: The folder of the results; by default `runs/MODEL-RECIPE`.
        plugins: Python files to load as plugins in addition to the installed ones.
        progress: Receives the progress of the benchmark.
        wait: Whether to wait for another process that runs a benchmark in the same folder.

    Returns:
        The figures.

    Raises:
        ConfigError: There is no such predictor or recipe, `seeds` is less than 1, the environment variable `ZOO_DATA` is not set, or
            a run failed.
    """
    if seeds < 1:
        raise ConfigError(f"seeds: expected at least 1, found {seeds}.")
    registry = registry_with(plugins)
    component = registry.find("predictor", model)
    chosen = recipe_of(component, registry, recipe)
    raw = chosen.experiment(component.qualified_name)
    raw["train"] = {**raw.get("train", {}), "seeds": list(range(seeds))}
    experiment = experiment_from(raw, registry=registry)
    folder = Path("runs") / f"{component.name}-{chosen.name}" if out is None else Path(out)
    rows = bench(experiment, out=folder, progress=progress, wait=wait).rows()
    _refuse_failed(rows, folder)
    figures = tuple(ReproducedFigure(f, tuple(_value(row, f.metric) for row in rows)) for f in chosen.figures)
    return Reproduction(
        component.name,
        chosen.name,
        tuple(other.name for other in component.spec.reproduces if other != chosen),
        tuple(row.seed for row in rows if row.seed is not None),
        figures,
        sum(row.fit_seconds for row in rows),
        folder,
    )


def _refuse_failed(rows: list[Row], folder: Path) -> None:
    """Refuse rows without figures.

    Raises:
        ConfigError: A run failed.
    """
    for row in rows:
        if row.error:
            raise ConfigError(
                f"{row.label} failed: {row.error} Finished runs are kept in {folder}; the same command resumes."
            )


def _value(row: Row, metric: str) -> float:
    """Return the value of a metric.

    Raises:
        ConfigError: No query has a value.
    """
    value = row.metrics[metric][0]
    if value is None:
        raise ConfigError(f"{row.label}: {metric} has no value for any query. Look at the data of the recipe.")
    return value
