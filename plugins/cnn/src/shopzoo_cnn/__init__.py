"""ShopZoo's convolutional networks: what a user took, read by filters that slide along it."""

from shopzoo_cnn.params import CaserParams, NextItNetParams
from zoo.api import Capabilities, ComponentSpec, hookimpl


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
