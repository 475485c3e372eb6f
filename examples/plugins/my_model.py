"""A plugin in one file: `zoo bench FILE --plugin examples/plugins/my_model.py` adds the predictor "recent-popular"."""

import numpy as np
import torch

from zoo.api import (
    Capabilities,
    ComponentSpec,
    Field,
    Fitted,
    Params,
    Predictor,
    Queries,
    RunContext,
    TrainingData,
    hookimpl,
)


class RecentPopularParams(Params):
    """Validated with the config; `zoo show recent-popular --plugin ...` prints them."""

    events: int = Field(1000, ge=1)
    """Number of latest events to count."""


class RecentPopular(Predictor[RecentPopularParams]):
    """Recommends the most frequent items of the latest events of all users."""

    fitted = Fitted(counts="float32 [I]")  # set by `fit`, and saved

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Count the items of the latest events."""
        log = data.interactions
        latest = np.argsort(log.times, kind="stable")[-self.params.events :]
        self.counts = torch.from_numpy(np.bincount(log.items[latest], minlength=log.n_items + 1)).float()

    def score(self, queries: Queries) -> torch.Tensor:
        """Return a score for each query and item, `[B, I]`; the core masks, filters and selects the top K."""
        return self.counts.repeat(len(queries), 1)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the components of this file."""
    return [
        ComponentSpec(
            name="recent-popular",
            stage="predictor",
            target="my_model:RecentPopular",
            params=RecentPopularParams,
            summary="Recommends the most frequent items of the latest events of all users.",
            capabilities=Capabilities(needs_time=True, collaborative=False),
            api=2,
        )
    ]
