"""ShopZoo's Transformers over histories and texts."""

from dataclasses import replace
from typing import Any

from shopzoo_transformer.params import (
    BERT4RecParams,
    HSTUParams,
    SASRecParams,
    SentenceEncoderParams,
    TextTransformerParams,
)
from zoo.api import Capabilities, ComponentSpec, Figure, Recipe, hookimpl, neural_capabilities

BEAUTY: dict[str, Any] = {
    "dataset": "amazon-beauty",
    "params": {"blocks": 2, "dim": 64, "dropout": 0.6, "windows": "last"},
    "split": {"policy": "leave-last-out"},
    "data": {"time": "position"},
    "note": "The parameters were chosen on the validation events.",
}
COSINE: dict[str, Any] = {
    "max_epochs": 40, "patience": 8, "batch_size": 256, "learning_rate": 2e-3, "schedule": "cosine", "precision": "bf16",
}  # fmt: skip
SASREC = (
    Recipe(
        "amazon-beauty",
        figures=(
            Figure("hit@10", 0.0836, 0.0033, "a bare loop without a framework, one seed", measured=0.0817),
            Figure("ndcg@10", 0.0514, 0.0021, "a bare loop without a framework, one seed", measured=0.0494),
        ),
        train={**COSINE, "refit": False},
        **BEAUTY,
    ),
    Recipe(
        "amazon-beauty-refit",
        figures=(
            Figure("hit@10", 0.0986, 0.0030, "published, 5 seeds, most likely after a refit", measured=0.0990),
            Figure("ndcg@10", 0.0597, 0.0018, "published, 5 seeds, most likely after a refit", measured=0.0600),
        ),
        train={**COSINE, "refit": True},
        **BEAUTY,
    ),
    Recipe(
        "ml-1m",
        "ml-1m",
        figures=(
            Figure("hit@10", 0.314, 0.0126, "published by two independent sources", measured=0.3063),
            Figure("ndcg@10", 0.182, 0.0073, "published by two independent sources", measured=0.1760),
        ),
        params={"blocks": 2, "dim": 64, "dropout": 0.2, "length": 200, "windows": "last"},
        train={
            "max_epochs": 100, "patience": 8, "batch_size": 128, "learning_rate": 1e-3, "precision": "bf16", "refit": False,
        },
        split={"policy": "leave-last-out"},
        note="The number of epochs was chosen on the validation events; nothing else was tried.",
    ),
)  # fmt: skip
REFIT = "published, 5 seeds, most likely after a refit"
BERT4REC = Recipe(
    "amazon-beauty-refit",
    "amazon-beauty",
    figures=(
        Figure("hit@10", 0.0740, 0.0044, "published, two sources, most likely after a refit", measured=0.0700),
        Figure("ndcg@10", 0.0415, 0.0025, "published, two sources, most likely after a refit", measured=0.0393),
    ),
    params={"dropout": 0.4, "windows": "last"},
    train={
        "max_epochs": 130, "patience": 15, "batch_size": 256, "learning_rate": 3e-3, "schedule": "cosine",
        "precision": "bf16", "validate_every": 2, "refit": True,
    },
    split={"policy": "leave-last-out"},
    data={"time": "position"},
    note="The parameters were chosen on the validation events.",
)  # fmt: skip
HSTU = Recipe(
    "amazon-beauty-refit",
    "amazon-beauty",
    figures=(
        Figure("hit@10", 0.0945, 0.0047, REFIT, measured=0.0993),
        Figure("ndcg@10", 0.0543, 0.0027, REFIT, measured=0.0600),
    ),
    params={"dropout": 0.6, "time": False, "windows": "last"},
    train={**COSINE, "refit": True},
    split={"policy": "leave-last-out"},
    data={"time": "position"},
    note="Without time, which this set does not have. The parameters are those of `sasrec`.",
)


def _reads_time(params: HSTUParams) -> Capabilities:
    """Return capabilities that need real times if the model reads time differences."""
    return replace(neural_capabilities(params), needs_time=params.time)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the models of the family."""
    return [
        ComponentSpec(
            name="sasrec",
            stage="predictor",
            target="shopzoo_transformer.sasrec:SASRec",
            params=SASRecParams,
            summary="Predicts the next item at each position of a history, with causal self-attention.",
            citation="Kang and McAuley: Self-attentive sequential recommendation. ICDM 2018",
            capabilities=neural_capabilities,
            tiny={"dim": 16, "length": 10, "blocks": 1},
            reproduces=SASREC,
            api=2,
        ),
        ComponentSpec(
            name="bert4rec",
            stage="predictor",
            target="shopzoo_transformer.bert4rec:BERT4Rec",
            params=BERT4RecParams,
            summary="Predicts masked items of a history, including the next one, with bidirectional self-attention.",
            citation="Sun et al.: BERT4Rec: Sequential recommendation with bidirectional encoder representations from Transformer. CIKM 2019",
            capabilities=neural_capabilities,
            tiny={"dim": 32, "length": 10, "blocks": 1, "dropout": 0.0, "mask_rate": 0.4, "last_share": 0.5},
            reproduces=(BERT4REC,),
            api=2,
        ),
        ComponentSpec(
            name="hstu",
            stage="predictor",
            target="shopzoo_transformer.hstu:HSTU",
            params=HSTUParams,
            summary="Attention without a softmax over the history, with learned biases for the age of each event.",
            citation="Zhai et al.: Actions speak louder than words: Trillion-parameter sequential transducers for generative recommendations. ICML 2024",
            capabilities=_reads_time,
            tiny={"dim": 16, "length": 10, "blocks": 1},
            reproduces=(HSTU,),
            api=2,
        ),
        ComponentSpec(
            name="text-transformer",
            stage="featurizer",
            target="shopzoo_transformer.text_transformer:TextTransformer",
            params=TextTransformerParams,
            summary="Encodes item texts by a small Transformer, trained so that items taken together get similar vectors.",
            citation="Vaswani et al.: Attention is all you need. NeurIPS 2017",
            capabilities=Capabilities(cold_items=True, deterministic=False, trains_in_epochs=True),
            tiny={"tokens": 200, "text_dim": 16, "window": 1},
            api=2,
        ),
        ComponentSpec(
            name="sentence-encoder",
            stage="featurizer",
            target="shopzoo_transformer.sentence_encoder:SentenceEncoder",
            params=SentenceEncoderParams,
            summary="Encodes item texts with a pretrained sentence-transformers model from a local folder, without training.",
            citation="Reimers and Gurevych: Sentence-BERT: Sentence embeddings using Siamese BERT-networks. EMNLP 2019",
            capabilities=Capabilities(cold_items=True),
            tiny={"model": "models/all-MiniLM-L6-v2"},
            expected_failures={"featurizer.fits": "it needs a pretrained model, which the plugin does not include"},
            api=2,
        ),
    ]
