"""LambdaMART: trees boosted on the gradients of LambdaRank, with LightGBM."""

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
from shopzoo_gbdt.tree_text import rewrite_trees
from zoo.api import (
    CandidateLists,
    DataError,
    Fitted,
    Ranker,
    RankingData,
    RunContext,
    State,
    Trained,
    TrainingError,
    choose_epochs,
    refuse_other_columns,
)

HIGHEST = 30
"""The highest label for which LightGBM has a gain."""
DEFAULT_TREES = 100
"""Maximum number of trees if there are too few lists to hold out for early stopping; the default of LightGBM."""


class LambdaMART(Ranker[LambdaMARTParams]):
    """Trees boosted on the gradients of LambdaRank (Burges, 2010), with LightGBM (Ke et al., NeurIPS 2017).

    The loss compares pairs of candidates of a list, weighted by the change of NDCG when the two swap places; lists whose
    labels are all equal are left out. Features need no scaling. A missing value follows the better branch of each split, an
    infinite one counts as the largest or smallest value.

    If `context.epochs` does not set the number of trees, early stopping chooses it by NDCG@`cutoff` on the validation lists
    of the data. Without validation lists, a share of the lists is held out, and the best number of trees is then grown on all
    lists. `trained.epochs` is that number, `trained.history` the value after each tree. It needs features, but no real times
    and no GPU.
    """

    fitted = Fitted(text=str, columns=list[str])
    text: str
    columns: list[str]

    def fit(self, data: RankingData, context: RunContext) -> None:
        """Grow the trees.

        Raises:
            DataError: A label is not a whole number from 0 to 30.
            TrainingError: No list has two different labels, or LightGBM raises an error.
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
            ScoreError: The features of the lists differ from those of the fit.
        """
        return self._predict(lists, torch.zeros(lists.mask.shape))

    def contributions(self, lists: CandidateLists) -> Tensor:
        """Return the Shapley values of the features over the trees, `[B, K, F]` (TreeSHAP, Lundberg et al., Nature MI 2020).

        Raises:
            ScoreError: The features of the lists differ from those of the fit.
        """
        columns = lists.features.shape[2] + 1  # the last one is the mean of all scores
        return self._predict(lists, torch.zeros(*lists.mask.shape, columns), pred_contrib=True)[..., :-1]

    def load_state(self, state: State) -> None:
        """Restore the trees, and parse them.

        Raises:
            ValueError: The text is not a valid model.
        """
        super().load_state(state)
        self._booster.num_trees()

    def _predict(self, lists: CandidateLists, values: Tensor, **options: Any) -> Tensor:
        """Return `values` with LightGBM's prediction for each candidate, `[B, K]` or `[B, K, F + 1]`; padding keeps its value.

        Raises:
            ScoreError: The features of the lists differ from those of the fit.
        """
        refuse_other_columns(lists, self.columns, "LambdaMART")
        filled = lists.mask.cpu()
        if filled.any():
            features = lists.features.cpu()[filled].numpy()
            found = self._booster.predict(features, num_threads=torch.get_num_threads(), **options)
            values[filled] = torch.from_numpy(np.asarray(found, np.float32))
        return values

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        """Return the trees, parsed from `text`."""
        return lightgbm.Booster(model_str=rewrite_trees(self.text, len(self.columns)))

    def _grow_validated(self, data: RankingData, context: RunContext) -> Trained | None:
        """Grow trees with early stopping on the validation lists or a held-out share; return None if there are too few lists."""
        learned, chosen = data.held_out(self.params.held_out, context.rng("LambdaMART/held-out"))
        return None if chosen is None else self._grow(learned, context, self.params.trees, chosen)

    def _grow(self, data: RankingData, context: RunContext, trees: int, chosen: RankingData | None = None) -> Trained:
        """Grow trees on lists, with early stopping on the lists `chosen` if given.

        Raises:
            TrainingError: LightGBM raises an error.
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
        """Return the parameters of LightGBM."""
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
            # the trees must depend neither on the number of threads nor on LightGBM's timing heuristics
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": torch.get_num_threads(),
            "verbosity": -1,
        }


def _dataset(data: RankingData, params: dict[str, Any], like: lightgbm.Dataset | None = None) -> lightgbm.Dataset:
    """Return the lists with different labels as a LightGBM dataset; with the bins of `like`, if given."""
    data = data.where(data.decided)
    return lightgbm.Dataset(
        data.features.numpy(), data.labels.numpy(), group=data.lengths, params=params, reference=like
    )


def _check_labels(data: RankingData) -> None:
    """Check the labels.

    Raises:
        DataError: A label is not a whole number from 0 to 30.
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
