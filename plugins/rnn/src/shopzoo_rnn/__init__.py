"""ShopZoo's recurrent networks over histories and texts."""

from shopzoo_rnn.params import GRU4RecParams, NARMParams, TextRNNParams
from zoo.api import Capabilities, ComponentSpec, Figure, Recipe, hookimpl, neural_capabilities

GRU4REC = Recipe(
    "amazon-beauty-refit",
    "amazon-beauty",
    figures=(
        Figure("hit@10", 0.0691, 0.0028, "published, two independent codes, most likely after a refit", measured=0.0884),
        Figure("ndcg@10", 0.0397, 0.0016, "published, two independent codes, most likely after a refit", measured=0.0511),
    ),
    params={"dropout": 0.5, "item_dropout": 0.5, "windows": "last"},
    train={
        "max_epochs": 100, "patience": 8, "batch_size": 256, "learning_rate": 3e-3, "precision": "bf16", "refit": True,
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
            name="gru4rec",
            stage="predictor",
            target="shopzoo_rnn.gru4rec:GRU4Rec",
            params=GRU4RecParams,
            summary="Predicts the next item from the state of gated recurrent units after each event.",
            citation="Hidasi and Karatzoglou: Recurrent neural networks with top-k gains for session-based recommendations. CIKM 2018",
            capabilities=neural_capabilities,
            tiny={"dim": 16, "length": 10},
            reproduces=(GRU4REC,),
            api=2,
        ),
        ComponentSpec(
            name="narm",
            stage="predictor",
            target="shopzoo_rnn.narm:NARM",
            params=NARMParams,
            summary="Gated recurrent units with attention from each state to the states before it.",
            citation="Li et al.: Neural attentive session-based recommendation. CIKM 2017",
            capabilities=neural_capabilities,
            tiny={"dim": 16, "length": 10},
            api=2,
        ),
        ComponentSpec(
            name="text-rnn",
            stage="featurizer",
            target="shopzoo_rnn.text_rnn:TextRNN",
            params=TextRNNParams,
            summary="Encodes item texts by a bidirectional recurrent network, trained so that items taken together get similar vectors.",
            citation="Lai et al.: Recurrent convolutional neural networks for text classification. AAAI 2015",
            capabilities=Capabilities(cold_items=True, deterministic=False, trains_in_epochs=True),
            tiny={"tokens": 200, "text_dim": 16, "window": 1, "state_dim": 16, "word_dim": 16},
            api=2,
        ),
    ]
