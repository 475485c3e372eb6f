"""ShopZoo's convolutional networks over histories and texts."""

from shopzoo_cnn.params import CaserParams, ConvTwoTowerParams, NextItNetParams, TextCNNParams
from zoo.api import Capabilities, ComponentSpec, Figure, Recipe, hookimpl, neural_capabilities

CASER = Recipe(
    "amazon-beauty-refit",
    "amazon-beauty",
    figures=(
        Figure("hit@10", 0.0613, 0.0031, "published, 5 seeds, most likely after a refit", measured=0.0717),
        Figure("ndcg@10", 0.0361, 0.0018, "published, 5 seeds, most likely after a refit", measured=0.0431),
    ),
    params={"dropout": 0.5, "windows": "last"},
    train={
        "max_epochs": 60, "patience": 8, "batch_size": 256, "learning_rate": 3e-3, "precision": "bf16", "refit": True,
    },
    split={"policy": "leave-last-out"},
    data={"time": "position"},
    note="The parameters were chosen on the validation events.",
)  # fmt: skip


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the components of the family."""
    return [
        ComponentSpec(
            name="caser",
            stage="predictor",
            target="shopzoo_cnn.caser:Caser",
            params=CaserParams,
            summary="Applies horizontal and vertical convolutions to the last few items, optionally with user embeddings.",
            citation="Tang and Wang: Personalized top-n sequential recommendation via convolutional sequence embedding. WSDM 2018",
            capabilities=neural_capabilities,
            tiny={"dim": 16, "length": 10, "horizontal": 4, "vertical": 2},
            reproduces=(CASER,),
            api=2,
        ),
        ComponentSpec(
            name="nextitnet",
            stage="predictor",
            target="shopzoo_cnn.nextitnet:NextItNet",
            params=NextItNetParams,
            summary="Predicts the next item at each position of a history, with dilated causal convolutions.",
            citation="Yuan et al.: A simple convolutional generative network for next item recommendation. WSDM 2019",
            capabilities=neural_capabilities,
            tiny={"dim": 16, "length": 10, "dilations": [1]},
            api=2,
        ),
        ComponentSpec(
            name="conv-two-tower",
            stage="predictor",
            target="shopzoo_cnn.conv_two_tower:ConvTwoTower",
            params=ConvTwoTowerParams,
            summary="Two towers: items by embedding and features, users by a convolution over the history and max pooling.",
            citation="Yi et al.: Sampling-bias-corrected neural modeling for large corpus item recommendations. RecSys 2019",
            capabilities=neural_capabilities,
            tiny={"dim": 16, "length": 10, "filters": 16},
            api=2,
        ),
        ComponentSpec(
            name="text-cnn",
            stage="featurizer",
            target="shopzoo_cnn.text_cnn:TextCNN",
            params=TextCNNParams,
            summary="Encodes item texts by convolutions over tokens, trained so that items taken together get similar vectors.",
            citation="Kim: Convolutional neural networks for sentence classification. EMNLP 2014",
            capabilities=Capabilities(cold_items=True, deterministic=False, trains_in_epochs=True),
            tiny={"tokens": 200, "text_dim": 16, "window": 1, "filters": 8, "word_dim": 16},
            api=2,
        ),
    ]
