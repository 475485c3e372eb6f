"""ShopZoo's matrix factorisation and item-to-item models."""

from dataclasses import replace
from typing import Any

from shopzoo_mf.params import (
    ALSParams,
    BPRMFParams,
    EASEParams,
    ELSAParams,
    ItemItemMFFilterParams,
    ItemItemMFParams,
    ItemKNNParams,
    UserItemMFParams,
)
from zoo.api import Capabilities, ComponentSpec, Figure, Recipe, hookimpl, neural_capabilities

_SEEDED = Capabilities(deterministic=False)

_HU = "Hu, Koren and Volinsky: Collaborative filtering for implicit feedback datasets. ICDM 2008"
_RENDLE = "Rendle, Krichene, Zhang and Koren: Revisiting the performance of iALS on item recommendation benchmarks. RecSys 2022"
_LEVY = "Levy and Goldberg: Neural word embedding as implicit matrix factorization. NeurIPS 2014"
_VANCURA = (
    "Vančura, Alves, Kasalický and Kordík: Scalable linear shallow autoencoder for collaborative filtering. RecSys 2022"
)
_BARS = "BARS: Zhu et al., SIGIR 2022"


def _of_users(params: BPRMFParams) -> Capabilities:
    """Return the capabilities of a neural model with a vector for each training user."""
    return replace(neural_capabilities(params), cold_users=False)


def _gowalla(*figures: Figure, **params: Any) -> Recipe:
    """Return the recipe for Gowalla in the split of NGCF and LightGCN."""
    note = "Chosen on validation events, after a second value had been read on the test part."
    data = {"time": "file-order"}
    split, evaluate = {"policy": "given"}, {"fallback": "none"}
    return Recipe("gowalla", "gowalla", figures, params, split=split, data=data, evaluate=evaluate, note=note)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the predictors and filters of the family."""
    return [
        ComponentSpec(
            name="als",
            stage="predictor",
            target="shopzoo_mf.als:ALS",
            params=ALSParams,
            summary="Matrix factorisation for implicit feedback by alternating least squares (iALS).",
            citation=f"{_HU}; {_RENDLE}",
            capabilities=Capabilities(deterministic=False, products=True),
            tiny={"factors": 8, "iterations": 5},
            aliases=("ials",),
            api=2,
        ),
        ComponentSpec(
            name="bpr-mf",
            stage="predictor",
            target="shopzoo_mf.bpr_mf:BPRMF",
            params=BPRMFParams,
            summary="Matrix factorisation trained to score items that a user took above the others (BPR).",
            citation="Rendle, Freudenthaler, Gantner and Schmidt-Thieme: BPR: Bayesian personalized ranking from implicit feedback. UAI 2009",
            capabilities=_of_users,
            tiny={"dim": 16},
            api=2,
        ),
        ComponentSpec(
            name="item-knn",
            stage="predictor",
            target="shopzoo_mf.item_knn:ItemKNN",
            params=ItemKNNParams,
            summary="Scores an item by its similarity to the nearest neighbours in the history (item-based k-NN).",
            citation="Sarwar, Karypis, Konstan and Riedl: Item-based collaborative filtering recommendation algorithms. WWW 2001",
            tiny={"k": 10},
            reproduces=(
                _gowalla(
                    Figure("recall@20", 0.1570, 0.003, _BARS, measured=0.1580),
                    Figure("ndcg@20", 0.1214, 0.004, _BARS, measured=0.1239),
                    k=200,
                ),
            ),
            api=2,
        ),
        ComponentSpec(
            name="ease",
            stage="predictor",
            target="shopzoo_mf.ease:EASE",
            params=EASEParams,
            summary="A linear autoencoder that regresses each item on all others, in closed form.",
            citation="Steck: Embarrassingly shallow autoencoders for sparse data. WWW 2019",
            tiny={"l2": 10.0},
            reproduces=(
                _gowalla(
                    Figure("recall@20", 0.1765, 0.002, _BARS, measured=0.1764),
                    Figure("ndcg@20", 0.1467, 0.002, _BARS, measured=0.1466),
                    l2=100.0,
                ),
            ),
            api=2,
        ),
        ComponentSpec(
            name="elsa",
            stage="predictor",
            target="shopzoo_mf.elsa:ELSA",
            params=ELSAParams,
            summary="A linear autoencoder with weights of low rank, for catalogues that are too large for `ease`.",
            citation=_VANCURA,
            capabilities=Capabilities(deterministic=False, trains_in_epochs=True),
            tiny={"dim": 16},
            api=2,
        ),
        ComponentSpec(
            name="item-item-mf",
            stage="predictor",
            target="shopzoo_mf.item_item_mf:ItemItemMF",
            params=ItemItemMFParams,
            summary="A truncated SVD of the shifted positive pointwise mutual information between items.",
            citation=_LEVY,
            capabilities=_SEEDED,
            tiny={"factors": 8},
            api=2,
        ),
        ComponentSpec(
            name="user-item-mf",
            stage="filter",
            target="shopzoo_mf.filters:UserItemMF",
            params=UserItemMFParams,
            summary="Keeps the items that `als` scores highest for the query.",
            citation=f"{_HU}; {_RENDLE}",
            capabilities=_SEEDED,
            tiny={"factors": 8, "iterations": 5, "share": 0.5},
            api=2,
        ),
        ComponentSpec(
            name="item-item-mf",
            stage="filter",
            target="shopzoo_mf.filters:ItemItemMFFilter",
            params=ItemItemMFFilterParams,
            summary="Keeps the items that the factorised item-item matrix scores highest for the query.",
            citation=_LEVY,
            capabilities=_SEEDED,
            tiny={"factors": 8, "share": 0.5},
            api=2,
        ),
    ]
