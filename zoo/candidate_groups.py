"""The groups of ranking features that the core computes; torch-free."""

from typing import Literal, get_args

Group = Literal["score", "popularity", "trend", "history", "item", "categories", "price", "similarity", "vectors"]
GROUP_NAMES: tuple[Group, ...] = get_args(Group)
GROUPS = {
    "score": "The predictor's score and the rank by it.",
    "popularity": "The events of the item in training.",
    "trend": "Recent events of the item against those expected.",
    "history": "The events of the user.",
    "item": "The events of the user with the item.",
    "categories": "The events of the user with the item's categories.",
    "price": "The price, and its difference to those of the history.",
    "similarity": "The cosine between the item features and those of the history.",
    "vectors": "The item features, projected onto their main directions.",
}
"""The groups, with a summary of each."""
