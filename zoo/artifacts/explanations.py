"""The explanations of an artifact: of a list, of the model as a whole, and how far to believe them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, cast

import torch

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.explained import Explanation
from zoo.artifacts.explanation import explain_items
from zoo.artifacts.faithfulness import Faithfulness, faithfulness
from zoo.artifacts.id_texts import id_texts
from zoo.artifacts.model_explanation import ModelExplanation, explain_model
from zoo.artifacts.query_parsing import one_query
from zoo.artifacts.similar import item_number


class ArtifactExplanations(ArtifactContents):
    """An artifact that explains what it recommends."""

    def explain(
        self,
        user: str | int | None = None,
        *,
        history: Sequence[Any] | None = None,
        items: str | int | Sequence[str | int] | None = None,
        k: int = 10,
        most: int = 5,
        now: int | str | None = None,
    ) -> Explanation:
        """Explain the list of a user by the items of the history that add most to each score.

        The scores are those of the predictor. Some are sums over the history (`Explanation.exact`); for others, a contribution is how
        far the score falls without the event.

        Args:
            user: The id of a user, whose history comes from the artifact.
            history: A history to use instead, a list of item ids, oldest first.
            items: An item id, or a list of ids, to explain in place of the list that `recommend` returns.
            k: Length of that list.
            most: The most reasons of an item.
            now: The time of the query: ISO 8601, or UTC milliseconds.

        Returns:
            A table with one row per item and reason, which is also a sequence of `Explained`; its texts are sentences.

        Raises:
            DataError: A value does not have the expected form, or an item is unknown.
        """
        query = one_query(self, user, history, now, k)
        if items is None:
            wanted = self.pipeline.recommend(query, k, self.rules, candidates=self.candidates).items[0]
        else:
            given = [items] if isinstance(items, str | Real) else cast(Sequence[Any], items)
            wanted = torch.tensor([item_number(self, item) for item in id_texts(given, "items")], dtype=torch.int64)
        return explain_items(self, query, wanted, most)

    def explain_model(self, *, users: int = 200, k: int = 10, seed: int = 0) -> ModelExplanation:
        """Explain what the model as a whole goes by: which events carry the scores in the lists of a random sample of users.

        Raises:
            DataError: The artifact has no histories that the model knows.
        """
        return explain_model(self, users=users, k=k, seed=seed)

    def faithfulness(self, *, events: int = 5, users: int = 1_000, seed: int = 0) -> Faithfulness:
        """Measure explanations: how far scores fall without the events that they name, against as many random events.

        Raises:
            DataError: No user has more than the given number of events.
        """
        return faithfulness(self, events=events, users=users, seed=seed)
