"""A group of candidate features in one file: how loyal the user is to the candidate's brand.

[model.candidate_features]
groups = ["score", { name = "loyalty", column = "brand" }]
"""

import numpy as np
import torch
from torch import Tensor

from zoo.api import CandidateFeatureSpec, Field, ItemColumns, Params, Queries, hookimpl


class LoyaltyParams(Params):
    """Parameters of `loyalty`."""

    column: str = Field("brand", min_length=1)
    """The category column of the items."""


def loyalty(queries: Queries, items: Tensor, item_columns: ItemColumns, params: LoyaltyParams) -> dict[str, Tensor]:
    """Return the share of the candidate's category in the history, `[B, K]`, and that of the favourite, `[B, 1]`."""
    shares = item_columns.shares(params.column)
    tastes = torch.from_numpy((queries.matrix(binary=True) @ shares.sparse()).toarray())  # [B, C]
    tastes /= torch.from_numpy(np.maximum(queries.lengths, 1)).float()[:, None]
    own = tastes.gather(1, (item_columns.codes(params.column)[items] - 1).clamp(min=0))
    return {"share": own * (item_columns.codes(params.column)[items] > 0), "favourite": tastes.amax(1, keepdim=True)}


@hookimpl
def zoo_candidate_features() -> list[CandidateFeatureSpec]:
    """Return the groups of this file."""
    return [
        CandidateFeatureSpec(
            name="loyalty",
            target="brand_loyalty:loyalty",
            params=LoyaltyParams,
            summary="The share of the candidate's brand in the history.",
            columns=lambda params: (params.column,),
        )
    ]
