"""The trials of `task = "rank"`: rankers order the judged lists of the validation part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.fits.clock import FitClock
from zoo.benchmark.tuning.trial import Measured, Prune
from zoo.config.chosen import Chosen
from zoo.config.rank_resolved import ResolvedRankExperiment, ResolvedRankModel
from zoo.data.folds import Fold
from zoo.data.judgments import Judgments
from zoo.errors import ConfigError
from zoo.evaluation.list_evaluator import ListEvaluator
from zoo.rank_pipeline import fit_rank_pipeline, text_match
from zoo.stages.context import RunContext, TrainingEnvironment


class RankTrials:
    """Fits rankers on the training lists and measures them on the validation lists; the test lists are left out."""

    higher_is_better = True

    def __init__(
        self,
        experiment: ResolvedRankExperiment,
        lists: Judgments,
        folds: list[Fold],
        metric: Chosen,
        device: torch.device,
    ) -> None:
        """Leave out the test lists.

        Args:
            experiment: The experiment.
            lists: Its judged lists; only those of the training and validation parts are kept.
            folds: The folds of its split.
            metric: The metric to tune for.
            device: Device for tensors.

        Raises:
            ConfigError: There are several folds, or no validation lists.
        """
        if len(folds) > 1:
            raise ConfigError(
                f"tune: the split has {len(folds)} folds, and the validation lists of one are test lists of another. Tune on a "
                'split with one validation part (policy = "given"), or remove [tune].'
            )
        (fold,) = folds
        if not fold.validate.any():
            raise ConfigError(
                "tune: models are tuned on the validation lists, and the split has none. Give some queries a value of "
                "split.validate, or remove [tune]."
            )
        self._experiment, self._device = experiment, device
        kept = fold.train | fold.validate
        validate = fold.validate[kept]
        self._lists, self._fold = lists.where(kept), Fold(fold.train[kept], validate, validate)
        self._match = None if self._lists.texts is None else text_match(self._lists)
        rules = experiment.experiment.evaluate
        self._evaluator = ListEvaluator([metric.build()], empty=rules.empty, gain=rules.gain)

    def measure(
        self,
        model: ResolvedRankModel,
        seed: int,
        *,
        folder: Path,
        clock: FitClock,
        cache: FitCache,
        prune: Prune | None = None,
    ) -> Measured:
        """Fit a model and measure it on the validation lists; rankers are never pruned."""
        environment = TrainingEnvironment(
            folder=folder, callbacks=self._experiment.registry.callbacks, resumed=clock.add_earlier
        )
        context = RunContext(seed, self._device, training=environment)
        with cache.peak_memory(), context.seeded("run"), clock.measure():
            pipeline, data = fit_rank_pipeline(
                model, self._lists, self._fold, context, refit=False, featurize=cache.fit_featurizer, match=self._match
            )
            ranked = pipeline.rank(data)
            values = self._evaluator.evaluate(ranked.items, ranked.labels).values
        return Measured(float(np.mean(list(values.values()))))
