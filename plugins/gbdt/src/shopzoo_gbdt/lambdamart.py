"""LambdaMART: trees boosted along the gradients of LambdaRank, by LightGBM."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import lightgbm
import numpy as np
import torch
from lightgbm.basic import LightGBMError
from torch import Tensor

from shopzoo_gbdt.params import LambdaMARTParams
from zoo.api import (
    CandidateLists,
    DataError,
    Ranker,
    RankingData,
    RunContext,
    Trained,
    TrainingError,
    choose_epochs,
    refuse_other_columns,
)

HIGHEST = 30
"""The highest label that LightGBM knows a gain of."""
DEFAULT_TREES = 100
"""The most trees where too few lists could be held out to choose their number by: LightGBM's own default."""


class LambdaMART(Ranker[LambdaMARTParams]):
    """Trees boosted along LambdaRank's gradients (Burges, 2010), as LightGBM grows them (Ke et al., NeurIPS 2017).

    What a list teaches is which of two candidates is to stand higher, weighed by what it does to NDCG when they change
    places; a list whose labels are all equal teaches nothing and is left out. Features are read as they are: their scale
    does not matter, a missing one goes the way that a split found better, an infinite one is the largest or smallest.

    Where `context.epochs` does not say how many trees to grow, NDCG@`cutoff` on the data's validation lists decides.
    Without such lists a share of the lists is held out first; the number of trees after which these are ranked best is then
    grown on all. `trained.epochs` is that number, `trained.history` the value after each tree. It needs features, no clock
    and no GPU.
    """

    fitted = ("text", "columns")
    text: str
    columns: list[str]

    def fit(self, data: RankingData, context: RunContext) -> None:
        """Grow the trees.

        Raises:
            DataError: A label is no whole number from 0 to 30.
            TrainingError: No list has two labels that differ, or LightGBM refuses the lists.
        """
        _check_labels(data)
        data.refuse_undecided("LambdaMART")
        self.columns, p = list(data.columns), self.params
        if not p.patience and context.epochs is None:
            context = replace(context, epochs=p.trees)
        self.trained = choose_epochs(
            context,
            partial(self._grow_validated, data),
            lambda settled: self._grow(data, settled, settled.epochs or p.trees),
            default=min(p.trees, DEFAULT_TREES),
            keep_validated=data.validation is not None,
        )

    def score(self, lists: CandidateLists) -> Tensor:
        """Return the sum of the trees' values, `[B, K]`.

        Raises:
            ScoreError: The lists have other features than those of the fit.
        """
        refuse_other_columns(lists, self.columns, "LambdaMART")
        scores, filled = torch.zeros(lists.mask.shape), lists.mask.cpu()
        if filled.any():
            found = self._booster.predict(lists.features.cpu()[filled].numpy(), num_threads=torch.get_num_threads())
            scores[filled] = torch.from_numpy(np.asarray(found, np.float32))
        return scores

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        """Return the trees, read from their text."""
        return lightgbm.Booster(model_str=self.text)

    def _grow_validated(self, data: RankingData, context: RunContext) -> Trained | None:
        """Grow trees until the validation lists, or a held-out share, are ranked no better; None where there are too few."""
        learned, chosen = data.held_out(self.params.held_out, context.rng("LambdaMART/held-out"))
        return None if chosen is None else self._grow(learned, context, self.params.trees, chosen)

    def _grow(self, data: RankingData, context: RunContext, trees: int, chosen: RankingData | None = None) -> Trained:
        """Grow trees on lists; where there are lists to choose by, until these are ranked no better.

        Raises:
            TrainingError: LightGBM refuses the lists.
        """
        history = list[dict[str, Any]]()
        start = time.perf_counter()

        def note(state: Any) -> None:
            done = state.iteration + 1
            if state.evaluation_result_list:
                value, seconds = float(state.evaluation_result_list[0][2]), time.perf_counter() - start
                history.append({"epoch": done, "value": value, "seconds": round(seconds, 3)})
            context.progress(done, trees)

        params, callbacks = self._settings(context), [note]
        try:
            lists = _dataset(data, params)
            against = []
            if chosen is not None:
                against = [_dataset(chosen, params, lists)]
                callbacks.append(lightgbm.early_stopping(self.params.patience, verbose=False))
            booster = lightgbm.train(params, lists, trees, valid_sets=against, callbacks=callbacks)
        except LightGBMError as error:
            raise TrainingError(
                f"LambdaMART: LightGBM refuses {len(data):,} lists with {len(data.columns)} features: {error}"
            ) from error
        kept = booster.best_iteration if chosen is not None else booster.num_trees()
        self.text = booster.model_to_string(num_iteration=kept)
        if chosen is None:
            return Trained(kept)
        return Trained(kept, history, "patience" if len(history) < trees else "max_epochs")

    def _settings(self, context: RunContext) -> dict[str, Any]:
        """Return the parameters in LightGBM's words."""
        p = self.params
        return {
            "objective": "lambdarank",
            "learning_rate": p.learning_rate,
            "num_leaves": p.leaves,
            "min_data_in_leaf": p.min_data,
            "feature_fraction": p.feature_fraction,
            "lambda_l2": p.l2,
            "lambdarank_truncation_level": p.truncation,
            "metric": "ndcg",
            "eval_at": [p.cutoff],
            "seed": int(context.rng("LambdaMART/trees").integers(2**31)),
            # the same trees whatever the number of threads, and whatever LightGBM would have timed
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": torch.get_num_threads(),
            "verbosity": -1,
        }


def _dataset(data: RankingData, params: dict[str, Any], like: lightgbm.Dataset | None = None) -> lightgbm.Dataset:
    """Return the lists that teach an order as LightGBM reads them; in the bins of others, where there are some."""
    data = data.where(data.decided)
    return lightgbm.Dataset(
        data.features.numpy(), data.labels.numpy(), group=data.lengths, params=params, reference=like
    )


def _check_labels(data: RankingData) -> None:
    """Refuse labels that LightGBM knows no gain of.

    Raises:
        DataError: One is no whole number from 0 to 30.
    """
    labels = data.labels.numpy()
    wrong = np.repeat(data.labelled, data.lengths) & ~(
        (labels == np.floor(labels)) & (labels >= 0) & (labels <= HIGHEST)
    )
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"LambdaMART: the label {labels[at]:g} (list {int(data.list_of[at]) + 1} of {len(data):,}): expected whole "
            f"numbers from 0 to {HIGHEST}, as a label of n is worth 2^n - 1. Map the labels to grades from 0."
        )
