"""ShopZoo's Transformers: what a user took, read by attention."""

from dataclasses import replace

from shopzoo_transformer.params import BERT4RecParams, HSTUParams, SASRecParams
from zoo.api import Capabilities, ComponentSpec, hookimpl

LEARNED = Capabilities(deterministic=False, validates=True)


def _reads_time(params: HSTUParams) -> Capabilities:
    """Return capabilities that need a clock where time differences are read."""
    return replace(LEARNED, needs_time=params.time)


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
            capabilities=LEARNED,
            tiny={"dim": 16, "length": 10, "blocks": 1},
        ),
        ComponentSpec(
            name="bert4rec",
            stage="predictor",
            target="shopzoo_transformer.bert4rec:BERT4Rec",
            params=BERT4RecParams,
            summary="Reads a history in both directions; hidden positions give their item, the next one among them.",
            citation="Sun et al.: BERT4Rec: Sequential recommendation with bidirectional encoder representations from Transformer. CIKM 2019",
            capabilities=LEARNED,
            tiny={"dim": 32, "length": 10, "blocks": 1, "dropout": 0.0, "mask_rate": 0.4},
        ),
        ComponentSpec(
            name="hstu",
            stage="predictor",
            target="shopzoo_transformer.hstu:HSTU",
            params=HSTUParams,
            summary="Adds up a history by attention without a softmax, weighed by how long ago each event was.",
            citation="Zhai et al.: Actions speak louder than words: Trillion-parameter sequential transducers for generative recommendations. ICML 2024",
            capabilities=_reads_time,
            tiny={"dim": 16, "length": 10, "blocks": 1},
        ),
    ]
