"""A simple predictor for pipelines that test a component of another stage."""

import torch
from torch import Tensor

from zoo.api import ComponentSpec, Fitted, Params, Predictor, Queries, RunContext, TrainingData, hookimpl


class StandIn(Predictor[Params]):
    """Scores items by how often they occur."""

    fitted = Fitted(counts="float32 [I]")
    counts: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Count the events of each item."""
        self.counts = torch.from_numpy(data.interactions.counts()).float()

    def score(self, queries: Queries) -> Tensor:
        """Return the counts, `[B, I]`."""
        return self.counts.repeat(len(queries), 1)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the stand-in."""
    return [ComponentSpec("stand-in", "predictor", "zoo.testing.stand_in:StandIn", Params, "Counts items.", api=2)]
