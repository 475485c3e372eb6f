"""Baselines: what every model has to beat, and small tools beside them."""

from shopzoo_baselines.params import (
    BordaParams,
    MMRParams,
    PersonalPopularParams,
    PopularParams,
    RandomParams,
    TabularParams,
    TopPopularParams,
    TransitionGraphParams,
)
from zoo.api import Capabilities, ComponentSpec, hookimpl


def _of_half_life(params: PopularParams | PersonalPopularParams | TopPopularParams) -> Capabilities:
    """Return capabilities that need a clock only where a half-life is set."""
    return Capabilities(needs_time=params.half_life is not None, collaborative=False)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the baselines."""
    return [
        ComponentSpec(
            name="random",
            stage="predictor",
            target="shopzoo_baselines.random:Random",
            params=RandomParams,
            summary="Scores items at random, the same for the same query: the floor of every metric.",
            capabilities=Capabilities(cold_items=True, deterministic=False, collaborative=False),
            expected_failures={"predictor.above-chance": "chance is what it is for"},
            api=2,
        ),
        ComponentSpec(
            name="popular",
            stage="predictor",
            target="shopzoo_baselines.popular:Popular",
            params=PopularParams,
            summary="Recommends what most people take, of late if a half-life is set.",
            citation="Ji, Sun, Zhang, Li: A Re-visit of the Popularity Baseline in Recommender Systems. SIGIR 2020.",
            capabilities=_of_half_life,
            api=2,
        ),
        ComponentSpec(
            name="personal-popular",
            stage="predictor",
            target="shopzoo_baselines.personal_popular:PersonalPopular",
            params=PersonalPopularParams,
            summary="Recommends what the user takes most, then what everybody takes: for shops that people return to.",
            citation="Li, Jullien, Ariannezhad, de Rijke: A Next Basket Recommendation Reality Check. TOIS 2023 (GP-TopFreq).",
            capabilities=_of_half_life,
            api=2,
        ),
        ComponentSpec(
            name="transition-graph",
            stage="predictor",
            target="shopzoo_baselines.transition_graph:TransitionGraph",
            params=TransitionGraphParams,
            summary="Recommends what followed the user's last items in other histories; counted, not trained.",
            citation="Ludewig, Jannach: Evaluation of Session-based Recommendation Algorithms. UMUAI 2018 (MC and SR).",
            tiny={"window": 3, "history": 5},
            api=2,
        ),
        ComponentSpec(
            name="top-popular",
            stage="filter",
            target="shopzoo_baselines.popular:TopPopular",
            params=TopPopularParams,
            summary="Keeps the most popular items only.",
            capabilities=_of_half_life,
            tiny={"share": 0.5},
            api=2,
        ),
        ComponentSpec(
            name="mmr",
            stage="ranker",
            target="shopzoo_baselines.mmr:MMR",
            params=MMRParams,
            summary="Re-orders a list so that an item is relevant and unlike those above it.",
            citation="Carbonell, Goldstein: The Use of MMR, Diversity-Based Reranking for Reordering Documents. SIGIR 1998.",
            capabilities=Capabilities(features="required", cold_items=True, trainable=False),
            api=2,
        ),
        ComponentSpec(
            name="borda",
            stage="ranker",
            target="shopzoo_baselines.borda:Borda",
            params=BordaParams,
            summary="Fuses rankings: an item gets a point for each item that it stands above, in each of them.",
            citation="Aslam, Montague: Models for Metasearch. SIGIR 2001 (Borda-fuse).",
            capabilities=Capabilities(cold_items=True, trainable=False),
            api=2,
        ),
        ComponentSpec(
            name="tabular",
            stage="featurizer",
            target="shopzoo_baselines.tabular:Tabular",
            params=TabularParams,
            summary="Makes features of categories (one-hot) and numbers (standardised) of the catalogue.",
            capabilities=Capabilities(cold_items=True),
            tiny={"columns": ["category", "brand", "price"]},
            api=2,
        ),
    ]
