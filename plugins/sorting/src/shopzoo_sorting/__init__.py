"""ShopZoo's sorting networks: rankers that are trained through a differentiable sort."""

from shopzoo_sorting.params import SortingAutoencoderParams, SortingNetworkParams
from zoo.api import Capabilities, ComponentSpec, hookimpl


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the rankers of the family."""
    return [
        ComponentSpec(
            name="sorting-network",
            stage="ranker",
            target="shopzoo_sorting.sorting_network:SortingNetwork",
            params=SortingNetworkParams,
            summary="Scores candidates by a neural network over their features, trained through a differentiable sorting network.",
            citation="Petersen et al.: Monotonic differentiable sorting networks. ICLR 2022",
            capabilities=Capabilities(cold_items=True, deterministic=False, trains_in_epochs=True),
            tiny={"dim": 8, "blocks": 1},
            api=2,
        ),
        ComponentSpec(
            name="sorting-autoencoder",
            stage="ranker",
            target="shopzoo_sorting.sorting_autoencoder:SortingAutoencoder",
            params=SortingAutoencoderParams,
            summary="Pretrains without labels, reconstructing features of candidates from their rank, then learns the order from labels.",
            citation="A composition of this zoo; its parts: Zhang et al.: FSPool. ICLR 2020; Petersen et al.: Monotonic "
            "differentiable sorting networks. ICLR 2022; Liang et al.: Variational autoencoders for collaborative filtering. "
            "WWW 2018",
            capabilities=Capabilities(cold_items=True, deterministic=False, trains_in_epochs=True),
            tiny={
                "dim": 8,
                "blocks": 1,
                "places": 4,
                "code": 1,
                "pretrain_epochs": 2,
            },
            api=2,
        ),
    ]
