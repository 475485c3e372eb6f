"""The search of a model: trials until the budget is spent, then the best one."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from zoo.atomic import write_atomically
from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.fits.clock import FitClock
from zoo.benchmark.progress import Progress
from zoo.benchmark.tuning.trial import Measured, Prune, Trial, best_trial, count_pruned, within_budget
from zoo.config.model_space import Point
from zoo.config.resolved_base import BaseResolvedModel
from zoo.config.tune import Tuning
from zoo.config.tuned_model import with_point
from zoo.errors import ConfigError, TrainingError
from zoo.registry.plugin import describe_error
from zoo.tracebacks import show_traceback

TRIALS = "trials.jsonl"
"""The file with the trials of a search, and the one in the folder of a benchmark with those of all its models."""


class TrialTask(Protocol):
    """What a search sees of a comparison: the data without the test part."""

    @property
    def higher_is_better(self) -> bool:
        """Whether higher values of the metric are better."""

    def measure(
        self, model: Any, seed: int, *, folder: Path, clock: FitClock, cache: FitCache, prune: Prune | None
    ) -> Measured:
        """Fit a model and measure it on the validation part.

        Args:
            model: The model.
            seed: Seed of all random streams.
            folder: Folder for checkpoints and logs of training.
            clock: Measures the seconds.
            cache: Fits featurizers and predictors, or restores them from an earlier trial.
            prune: Ends the training early; None to complete it.
        """


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes:
        trials: The trials that the budget paid for.
        best: The best of them.
        tuning: How the model was tuned.
    """

    trials: tuple[Trial, ...]
    best: Trial
    tuning: Tuning

    @property
    def settings(self) -> str:
        """Return what the column `settings` says."""
        return f"tuned ({len(self.trials)} trial{'' if len(self.trials) == 1 else 's'})"

    def as_json(self) -> dict[str, Any]:
        """Return the search for the row of a run."""
        first = self.trials[0]
        return {
            "trials": len(self.trials),
            "failed": sum(trial.state == "failed" for trial in self.trials),
            "pruned": count_pruned(self.trials),
            "seconds": sum(trial.seconds for trial in self.trials),
            "budget": self.tuning.budget,
            "metric": self.tuning.metric_name,
            "best": self.best.number,
            "value": self.best.value,
            "first_value": first.value,
            "params": dict(self.best.params),
        }


def require_optuna() -> None:
    """Check that Optuna is installed.

    Raises:
        ConfigError: It is not.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError('tune: tuning needs the package optuna, which is not installed: pip install "shopzoo[tune]"')


def search(
    model: BaseResolvedModel,
    task: TrialTask,
    *,
    seed: int,
    folder: Path,
    progress: Progress,
    cache: FitCache,
    explain: Callable[[BaseException], str] = describe_error,
) -> SearchResult:
    """Search the settings of a model, or continue a search that was interrupted.

    Args:
        model: The model, with its search space and budget.
        task: Measures the trials.
        seed: The seed of the fits.
        folder: The folder of the search, with the journal; checkpoints of the running trial are written below it.
        progress: Receives the number of trials, and the result.
        cache: Fits the parts that trials share; its features in the folder of the search are removed at the end.
        explain: Returns the text of an error.

    Raises:
        ConfigError: Optuna is not installed.
        ResultsError: The journal is damaged or cannot be written.
        TrainingError: All trials failed.
    """
    require_optuna()
    from zoo.benchmark.tuning.history import History

    tuning = model.tuning
    assert tuning is not None  # only a model that is tuned is searched
    history = History(
        folder / "journal.log", tuning.space, seed=tuning.settings.seed, higher_is_better=task.higher_is_better
    )
    earlier_trials = len(history.trials())
    while True:
        trials, over = within_budget(history.trials(), tuning.settings)
        best = best_trial(trials, higher_is_better=task.higher_is_better)
        _write_trials(folder, trials)
        _report(progress, trials, best, tuning, resumed=0 < len(trials) == earlier_trials)
        if over:
            break
        point = history.ask()
        earlier = next((t for t in trials if t.params == _as_json(point) and t.state in ("complete", "pruned")), None)
        if earlier is not None:
            history.tell(Trial(len(trials), point, "repeated", earlier.value, 0.0, curve=earlier.curve))
            continue
        training = folder / "training" / f"trial-{len(trials)}"
        history.tell(
            _run(
                len(trials),
                point,
                model,
                task,
                seed=seed,
                folder=training,
                cache=cache,
                prune=history.pruner() if tuning.prunes else None,
                explain=explain,
            )
        )
        shutil.rmtree(training, ignore_errors=True)
    for name in ("training", "features"):
        shutil.rmtree(folder / name, ignore_errors=True)
    if best is None:
        raise TrainingError(f"all {len(trials)} trials of the search failed; the first: {trials[0].error}")
    found = SearchResult(tuple(trials), best, tuning)
    if len(trials) > earlier_trials:
        progress.searched(found.as_json())
    return found


def _run(
    number: int,
    point: Point,
    model: BaseResolvedModel,
    task: TrialTask,
    *,
    seed: int,
    folder: Path,
    cache: FitCache,
    prune: Prune | None,
    explain: Callable[[BaseException], str],
) -> Trial:
    """Run a trial; an error of the model ends the trial, not the search."""
    clock = FitClock(cache)
    try:
        found = task.measure(with_point(model, point), seed, folder=folder, clock=clock, cache=cache, prune=prune)
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        show_traceback(error)
        return Trial(number, point, "failed", None, clock.seconds, explain(error))
    value, curve = found.value, found.curve
    if value is None:
        return Trial(number, point, "pruned", None, clock.seconds, curve=curve)
    if not math.isfinite(value):
        return Trial(number, point, "failed", None, clock.seconds, f"the metric is {value} on the validation part")
    return Trial(number, point, "complete", value, clock.seconds, curve=curve)


def _report(progress: Progress, trials: list[Trial], best: Trial | None, tuning: Tuning, *, resumed: bool) -> None:
    """Report the state of a search: in trials, or in seconds of the budget; `resumed` before the first trial of this process."""
    note = f"best {tuning.metric_name} {best.value:.4f}, trial {best.number}" if best and best.value is not None else ""
    if pruned := count_pruned(trials):
        note += f"; {pruned} pruned"
    if resumed:
        note = ", ".join(filter(None, (f"resumes after {len(trials)} trial{'' if len(trials) == 1 else 's'}", note)))
    if tuning.settings.trials is not None:
        progress.phase("tune", len(trials), tuning.settings.trials, note, resumed=resumed)
    elif tuning.settings.minutes is not None:
        total = max(round(60 * tuning.settings.minutes), 1)
        progress.phase("tune", min(int(sum(t.seconds for t in trials)), total), total, note, resumed=resumed)


def _write_trials(folder: Path, trials: list[Trial]) -> None:
    """Write the trials for everybody who reads no journals."""
    with write_atomically(folder / TRIALS) as path:
        path.write_text("".join(json.dumps(trial.as_json()) + "\n" for trial in trials), encoding="utf-8")


def _as_json(point: Point) -> Mapping[str, Any]:
    """Return a point as it is read from a journal."""
    found: Mapping[str, Any] = json.loads(json.dumps(point))
    return found
