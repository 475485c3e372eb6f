"""ShopZoo's Transformers: what a user took, read by attention."""

from shopzoo_transformer.params import SASRecParams
from zoo.api import Capabilities, ComponentSpec, hookimpl


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the predictors of the family."""
    return [
        ComponentSpec(
            name="sasrec",
            stage="predictor",
            target="shopzoo_transformer.sasrec:SASRec",
            params=SASRecParams,
            summary="Reads a history by causal self-attention; each position gives the next item.",
            citation="Kang and McAuley: Self-attentive sequential recommendation. ICDM 2018",
            capabilities=Capabilities(deterministic=False, validates=True),
            tiny={"dim": 16, "length": 10, "blocks": 1},
        )
    ]
