"""ShopZoo's boosted trees: strong rankers on informative, hand-made features."""

from shopzoo_gbdt.params import LambdaMARTParams
from zoo.api import Capabilities, ComponentSpec, hookimpl


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the ranker of the family."""
    return [
        ComponentSpec(
            name="lambdamart",
            stage="ranker",
            target="shopzoo_gbdt.lambdamart:LambdaMART",
            params=LambdaMARTParams,
            summary="Scores candidates by gradient-boosted trees over their features, trained for NDCG with LightGBM.",
            citation="Burges: From RankNet to LambdaRank to LambdaMART: an overview. Microsoft Research, MSR-TR-2010-82, 2010",
            capabilities=Capabilities(cold_items=True, deterministic=False, trains_in_epochs=True),
            tiny={"trees": 20, "leaves": 4, "min_data": 2},
            api=2,
        ),
    ]
