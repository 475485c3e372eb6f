"""ShopZoo's rankers with a loss over whole lists: one scorer, five losses, so that a difference is the loss alone."""

from shopzoo_listwise.params import ListwiseRankerParams
from zoo.api import Capabilities, ComponentSpec, hookimpl


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the ranker of the family."""
    return [
        ComponentSpec(
            name="neural-ranker",
            stage="ranker",
            target="shopzoo_listwise.neural_ranker:ListwiseRanker",
            params=ListwiseRankerParams,
            summary="Scores candidates by a network over their features, trained by a loss over whole lists.",
            citation="Qin et al.: Are neural rankers still outperformed by gradient boosted decision trees? ICLR 2021",
            capabilities=Capabilities(cold_items=True, deterministic=False, trains_in_epochs=True),
            tiny={"dim": 8, "blocks": 1},
            api=2,
        ),
    ]
