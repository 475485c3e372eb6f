"""ShopZoo's recurrent networks: what a user took, read one event after the other."""

from shopzoo_rnn.params import GRU4RecParams, NARMParams
from zoo.api import Capabilities, ComponentSpec, hookimpl


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the predictors of the family."""
    return [
        ComponentSpec(
            name="gru4rec",
            stage="predictor",
            target="shopzoo_rnn.gru4rec:GRU4Rec",
            params=GRU4RecParams,
            summary="Reads a history with gated recurrent units; the state after each event gives the next item.",
            citation="Hidasi and Karatzoglou: Recurrent neural networks with top-k gains for session-based recommendations. CIKM 2018",
            capabilities=Capabilities(deterministic=False, validates=True),
            tiny={"dim": 16, "length": 10},
        ),
        ComponentSpec(
            name="narm",
            stage="predictor",
            target="shopzoo_rnn.narm:NARM",
            params=NARMParams,
            summary="Gated recurrent units whose state chooses among the states before it by attention.",
            citation="Li et al.: Neural attentive session-based recommendation. CIKM 2017",
            capabilities=Capabilities(deterministic=False, validates=True),
            tiny={"dim": 16, "length": 10},
        ),
    ]
