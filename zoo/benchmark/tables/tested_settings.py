"""The experiment as it was tested: a tuned model has the settings that its search found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.store import Store


def tested_experiment(store: Store) -> dict[str, Any]:
    """Return the resolved experiment of a folder with the settings of its rows; the manifest has those before the search."""
    experiment = store.manifest().experiment
    found = {row.label: row.model for row in store.rows() if row.tuning}
    models = [{**model, **found.get(model["label"], {})} for model in experiment["model"]]
    return {**experiment, "model": models}
