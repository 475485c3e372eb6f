"""A whole plugin in one file: `zoo bench FILE --plugin examples/plugins/my_model.py` knows a predictor "recent-popular"."""

import numpy as np
import torch

from zoo.api import Capabilities, ComponentSpec, Field, Params, Predictor, Queries, RunContext, TrainingData, hookimpl


class RecentPopularParams(Params):
    """Checked when the config is; `zoo show recent-popular --plugin ...` prints them."""

    events: int = Field(1000, ge=1)
    """How many of the latest events count."""


class RecentPopular(Predictor[RecentPopularParams]):
    """Recommends what was taken most among the latest events of everybody."""

    fitted = ("counts",)  # what `fit` learns, and all that is saved

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Count the items of the latest events."""
        log = data.interactions
        latest = np.argsort(log.times, kind="stable")[-self.params.events :]
        self.counts = torch.from_numpy(np.bincount(log.items[latest], minlength=log.n_items + 1)).float()

    def score(self, queries: Queries) -> torch.Tensor:
        """Return a score for each query and item, `[B, I]`; the core masks, filters and takes the best."""
        return self.counts.repeat(len(queries), 1)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Tell the zoo what this file provides."""
    return [
        ComponentSpec(
            name="recent-popular",
            stage="predictor",
            target="my_model:RecentPopular",
            params=RecentPopularParams,
            summary="Recommends what was taken most among the latest events of everybody.",
            capabilities=Capabilities(needs_time=True, collaborative=False),
            api=2,
        )
    ]
