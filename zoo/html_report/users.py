"""The lists of the sampled users: history, what they took, and the lists of all models, as JSON for the script of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from zoo.benchmark.results_folder.user_sample import UserSample
from zoo.html_report.measured import MeasuredBenchmark, MeasuredModel
from zoo.html_report.overlap import cutoff
from zoo.text_safety import show

SHOWN_MODELS = 4
"""The number of models whose lists are visible at first."""


def user_lists(
    benchmark: MeasuredBenchmark, sample: UserSample, models: Sequence[MeasuredModel]
) -> dict[str, Any] | None:
    """Return the sampled users with the lists of each model; None if no model has lists.

    Items are numbers into one table, so that a title is written once.

    Args:
        benchmark: The benchmark.
        sample: The sampled users.
        models: The models in the order of the table.
    """
    k = cutoff(benchmark.main_metric)
    numbers: dict[str, int] = {}

    def number(item: Any) -> int:
        return numbers.setdefault(str(item), len(numbers))

    users = [
        {
            "id": show(user.user, 60),
            "now": user.now,
            "events": user.events,
            "history": [[number(event.item), show(event.event, 40), event.time] for event in reversed(user.history)],
            "targets": [number(item) for item in user.targets],
        }
        for user in sample.users
    ]
    places = [user.query for user in sample.users]
    labels, lists = [], []
    for model in models:
        table = benchmark.store.lists(model.runs[0], ["items"])
        if table is not None and table.num_columns and places and max(places) < len(table):
            found = table["items"].take(pa.array(places, pa.int64())).to_pylist()
            labels.append({"label": show(model.label, 80), "reference": model.reference})
            lists.append([[number(item) for item in (items or [])[:k]] for items in found])
    if not labels or not users:
        return None
    items = []
    for item in numbers:
        about = sample.items.get(item)
        title = show(about.title, 120) if about is not None and about.title else None
        category = show(about.category, 60) if about is not None and about.category else None
        items.append([show(item, 60), title, None if about is None else about.price, category])
    return {"models": labels, "users": users, "lists": lists, "items": items, "shown": SHOWN_MODELS}
