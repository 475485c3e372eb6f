"""The comparison of `task = "rank"`: rankers on judged lists, fold by fold."""

from __future__ import annotations

import time
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from zoo.benchmark.comparison import Measurement, Reevaluation, count_parameters
from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.fits.clock import FitClock
from zoo.benchmark.lists.kept_lists import reevaluate_judged
from zoo.benchmark.lists.list_notes import notes_on_metrics
from zoo.benchmark.progress import Progress
from zoo.benchmark.tuning.rank_trials import RankTrials
from zoo.config.rank_resolved import ResolvedRankExperiment, ResolvedRankModel
from zoo.data.checks.finding import Finding
from zoo.data.dataset import read_tables
from zoo.data.folds import folds, hash_folds
from zoo.data.judgments import Judgments
from zoo.data.read_judgments import read_judgments
from zoo.evaluation.evaluator import Evaluation
from zoo.evaluation.list_evaluator import ListEvaluator
from zoo.evaluation.query_slices import QuerySlice
from zoo.rank_pipeline import RankedLists, RankPipeline, fit_rank_pipeline, text_match
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.ranking_data import RankingData
from zoo.training.training_record import ranker_records

SINGLE_LISTS = 200
"""Number of lists that are ranked one by one to measure the latency."""


class RankComparison:
    """The comparison of `task = "rank"`: judged lists, folds and metrics, shared by all models."""

    has_artifacts = False
    references: tuple[ResolvedRankModel, ...] = ()
    has_validation = True
    users = None
    size = None

    def __init__(self, experiment: ResolvedRankExperiment, device: torch.device) -> None:
        """Read the lists.

        Raises:
            DataError: The data are missing or invalid; the message names file, column, row and value.
            SplitError: A part of the split has no list.
            ConfigError: A metric does not apply to judged lists.
        """
        self._experiment = experiment
        e = experiment.experiment
        self.lists = read_judgments(
            read_tables(experiment.source.build(), experiment.source.origin), e.data, e.split.column
        )
        self.folds = folds(self.lists, e.split)
        self.match = text_match(self.lists) if self.lists.texts is not None else None
        self.refit, self.device, self.callbacks = e.train.refit, device, experiment.registry.callbacks
        self.evaluator = ListEvaluator(
            [m.build() for m in experiment.metrics],
            empty=e.evaluate.empty,
            gain=e.evaluate.gain,
            resamples=e.evaluate.bootstrap,
        )
        self.origins = {m.name: c.origin for m, c in zip(self.evaluator.metrics, experiment.metrics, strict=True)}
        self.notes: dict[str, Any] = dict(self.lists.notes)
        self.notes["features"] = ", ".join(self.lists.columns) or "text features only"
        repeated = len(self.lists) - len(self.lists.query_ids.unique())
        if repeated:
            self.notes["query ids that come again in another part"] = repeated
        used = np.logical_or.reduce([fold.train | fold.validate | fold.test for fold in self.folds])
        if not used.all():
            self.notes["lists of no part of the split, left out"] = int(np.count_nonzero(~used))
        self.findings: list[Finding] = []
        self.starts: dict[str, str] = {}
        self.hints: list[str] = []
        self.metrics: dict[str, bool | None] = {m.name: m.higher_is_better for m in self.evaluator.metrics}
        self.description: dict[str, Any] = {
            "task": "rank",
            "data": self.lists.fingerprint,
            "lists": len(self.lists),
            "split": {"policy": e.split.policy, "folds": len(self.folds), "parts": hash_folds(self.folds)},
            "evaluate": e.evaluate.model_dump(mode="json", include={"empty", "gain"}),
            "metrics": [m.as_json() for m in experiment.metrics],
            "refit": self.refit,
        }

    @cached_property
    def trials(self) -> RankTrials:
        """What a search sees: the lists without those of the test part."""
        metric = next(model.tuning.metric for model in self._experiment.models if model.tuning)
        return RankTrials(self._experiment, self.lists, self.folds, metric, self.device)

    def run_model(
        self, model: ResolvedRankModel, seed: int, *, folder: Path, progress: Progress, cache: FitCache
    ) -> Measurement:
        """Fit a model on each fold, and evaluate the test lists of all folds together."""
        clock = FitClock(cache)
        context = RunContext(
            seed,
            self.device,
            progress=partial(progress.phase, "fit"),
            training=TrainingEnvironment(callbacks=self.callbacks, resumed=clock.add_earlier),
        )
        rank_seconds = 0.0
        found: list[RankedLists] = []
        tested: list[NDArray[np.int64]] = []
        single: list[float] = []
        trained: list[dict[str, Any]] = []
        with cache.peak_memory() as peak:
            for number, fold in enumerate(self.folds, 1):
                here = context.for_training(folder=folder / f"fold-{number}")
                with here.seeded("run"), clock.measure():
                    pipeline, data = fit_rank_pipeline(
                        model,
                        self.lists,
                        fold,
                        here,
                        refit=self.refit,
                        featurize=cache.fit_featurizer,
                        match=self.match,
                    )
                start = time.perf_counter()
                found.append(pipeline.rank(data, partial(progress.phase, "rank")))
                rank_seconds += time.perf_counter() - start
                tested.append(np.flatnonzero(fold.test))
                single += _single_list_ms(pipeline, data, max(SINGLE_LISTS // len(self.folds), 1))
                trained += [
                    {"fold": number, **r} for r in ranker_records(model.rankers, pipeline.rankers, pipeline.trained)
                ]
        rows = np.concatenate(tested)
        order = np.argsort(rows)
        lists = RankedLists.joined(found)[order]
        evaluation = self.evaluator.evaluate(lists.items, lists.labels)
        return Measurement(
            metrics=evaluation.summary(),
            queries=len(rows) - evaluation.skipped,
            tied_edges=lists.tied(self.evaluator.k),
            fit_seconds=clock.seconds,
            rankers=trained,
            recommend_per_second=len(rows) / rank_seconds,
            p50_ms=float(np.quantile(single, 0.5)),
            p99_ms=float(np.quantile(single, 0.99)),
            peak_memory_mib=peak.mib,
            parameters=count_parameters(pipeline.rankers),
            notes=notes_on_metrics(self.origins, evaluation),
            lists=_lists_table(self.lists, rows[order], lists, evaluation),
        )

    def reevaluate(self, lists: pa.Table) -> Reevaluation:
        """Evaluate the stored lists of a run again."""
        return reevaluate_judged(lists, self)

    def slices(self) -> list[QuerySlice]:
        """Return no groups: a judged list has no history, and its documents have no events."""
        return []


def _single_list_ms(pipeline: RankPipeline, data: RankingData, n: int) -> list[float]:
    """Return the latency of single lists in ms, for a sample at even distances."""
    times = []
    for at in np.linspace(0, len(data) - 1, min(n, len(data))).astype(int):
        one = data.where(np.arange(len(data)) == at)
        start = time.perf_counter()
        pipeline.rank(one)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def _lists_table(judged: Judgments, rows: NDArray[np.int64], lists: RankedLists, evaluation: Evaluation) -> pa.Table:
    """Return the lists as ranked by the model, with document ids, scores and labels, and the metrics of each query."""
    filled = (lists.items > 0).numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(filled.sum(1))]).astype(np.int32))

    def ragged(values: Any) -> pa.ListArray:
        return pa.ListArray.from_arrays(offsets, values)

    return pa.table({
        "query_id": judged.query_ids.take(pa.array(rows)),
        "items": ragged(judged.catalogue.ids.take(pa.array(lists.items.numpy()[filled]))),
        "scores": ragged(pa.array(lists.scores.numpy()[filled])),
        "labels": ragged(pa.array(lists.labels.numpy()[filled])),
        **{name: pa.array(values.astype(np.float32)) for name, values in evaluation.per_query.items()},
    })  # fmt: skip
