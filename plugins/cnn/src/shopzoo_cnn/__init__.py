"""ShopZoo's convolutional networks: what a user took, read by filters that slide along it."""

from shopzoo_cnn.params import CaserParams, NextItNetParams
from zoo.api import Capabilities, ComponentSpec, Figure, Recipe, hookimpl

CASER = Recipe(
    "amazon-beauty-refit",
    "amazon-beauty",
    figures=(
        Figure("hit@10", 0.0613, 0.0031, "published, 5 seeds, most likely after a refit", measured=0.0717),
        Figure("ndcg@10", 0.0361, 0.0018, "published, 5 seeds, most likely after a refit", measured=0.0431),
    ),
    params={"dropout": 0.5},
    train={
        "max_epochs": 60, "patience": 8, "batch_size": 256, "learning_rate": 3e-3, "precision": "bf16", "refit": True,
    },
    split={"policy": "leave-last-out"},
    data={"time": "position"},
    note="The parameters were chosen on the validation events.",
)  # fmt: skip


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the predictors of the family."""
    return [
        ComponentSpec(
            name="caser",
            stage="predictor",
            target="shopzoo_cnn.caser:Caser",
            params=CaserParams,
            summary="Reads the last few items by filters across and along them, and may know the user.",
            citation="Tang and Wang: Personalized top-n sequential recommendation via convolutional sequence embedding. WSDM 2018",
            capabilities=Capabilities(deterministic=False, validates=True),
            tiny={"dim": 16, "length": 10, "horizontal": 4, "vertical": 2},
            reproduces=(CASER,),
        ),
        ComponentSpec(
            name="nextitnet",
            stage="predictor",
            target="shopzoo_cnn.nextitnet:NextItNet",
            params=NextItNetParams,
            summary="Reads a history by causal convolutions whose steps double; each position gives the next item.",
            citation="Yuan et al.: A simple convolutional generative network for next item recommendation. WSDM 2019",
            capabilities=Capabilities(deterministic=False, validates=True),
            tiny={"dim": 16, "length": 10, "dilations": [1]},
        ),
    ]
