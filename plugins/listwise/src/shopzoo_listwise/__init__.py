"""ShopZoo's neural rankers with listwise losses: the same scorers with five losses, so that the losses can be compared."""

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
            summary="Scores candidates by a network over their features, trained with a listwise loss.",
            citation="Qin et al.: Are neural rankers still outperformed by gradient boosted decision trees? ICLR 2021",
            capabilities=Capabilities(cold_items=True, deterministic=False, trains_in_epochs=True),
            tiny={"dim": 8, "blocks": 1},
            api=2,
        ),
    ]
