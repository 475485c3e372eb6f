"""Baselines that every model should beat, and small filters, rankers and featurizers."""

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
    """Return capabilities that need real times only if a half-life is set."""
    return Capabilities(needs_time=params.half_life is not None, collaborative=False, needs_history=False)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the baselines."""
    return [
        ComponentSpec(
            name="random",
            stage="predictor",
            target="shopzoo_baselines.random:Random",
            params=RandomParams,
            summary="Scores items at random, the same for the same query: a lower bound for every metric.",
            capabilities=Capabilities(cold_items=True, deterministic=False, collaborative=False, needs_history=False),
            expected_failures={"predictor.above-chance": "it scores at random by design"},
            api=2,
        ),
        ComponentSpec(
            name="popular",
            stage="predictor",
            target="shopzoo_baselines.popular:Popular",
            params=PopularParams,
            summary="Recommends the most popular items, optionally with an exponential decay over time.",
            citation="Ji, Sun, Zhang, Li: A Re-visit of the Popularity Baseline in Recommender Systems. SIGIR 2020.",
            capabilities=_of_half_life,
            api=2,
        ),
        ComponentSpec(
            name="personal-popular",
            stage="predictor",
            target="shopzoo_baselines.personal_popular:PersonalPopular",
            params=PersonalPopularParams,
            summary="Recommends the user's most frequent items, then the most popular ones: for shops with repeat purchases.",
            citation="Li, Jullien, Ariannezhad, de Rijke: A Next Basket Recommendation Reality Check. TOIS 2023 (GP-TopFreq).",
            capabilities=_of_half_life,
            api=2,
        ),
        ComponentSpec(
            name="transition-graph",
            stage="predictor",
            target="shopzoo_baselines.transition_graph:TransitionGraph",
            params=TransitionGraphParams,
            summary="Recommends items that followed the user's last items in other histories, by counting transitions.",
            citation="Ludewig, Jannach: Evaluation of Session-based Recommendation Algorithms. UMUAI 2018 (MC and SR).",
            capabilities=Capabilities(needs_history=False),
            tiny={"window": 3, "history": 5},
            api=2,
        ),
        ComponentSpec(
            name="top-popular",
            stage="filter",
            target="shopzoo_baselines.popular:TopPopular",
            params=TopPopularParams,
            summary="Keeps only the most popular items.",
            capabilities=_of_half_life,
            tiny={"share": 0.5},
            api=2,
        ),
        ComponentSpec(
            name="mmr",
            stage="ranker",
            target="shopzoo_baselines.mmr:MMR",
            params=MMRParams,
            summary="Diversifies a list: trades the relevance of an item against its similarity to the items above it.",
            citation="Carbonell, Goldstein: The Use of MMR, Diversity-Based Reranking for Reordering Documents. SIGIR 1998.",
            capabilities=Capabilities(features="required", cold_items=True, trainable=False),
            api=2,
        ),
        ComponentSpec(
            name="borda",
            stage="ranker",
            target="shopzoo_baselines.borda:Borda",
            params=BordaParams,
            summary="Fuses rankings: an item gets a point for each item ranked below it, in each ranking.",
            citation="Aslam, Montague: Models for Metasearch. SIGIR 2001 (Borda-fuse).",
            capabilities=Capabilities(cold_items=True, trainable=False),
            api=2,
        ),
        ComponentSpec(
            name="tabular",
            stage="featurizer",
            target="shopzoo_baselines.tabular:Tabular",
            params=TabularParams,
            summary="Turns catalogue columns into features: categories one-hot encoded, numbers standardised.",
            capabilities=Capabilities(cold_items=True),
            tiny={"columns": ["category", "brand", "price"]},
            api=2,
        ),
    ]
