"""Text without neural networks: term vectors of items, and content-based recommendations."""

from shopzoo_text.params import BagOfWordsParams, ContentKNNParams, TfIdfParams
from zoo.api import Capabilities, ComponentSpec, hookimpl


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the text components."""
    return [
        ComponentSpec(
            name="bag-of-words",
            stage="featurizer",
            target="shopzoo_text.vectorizers:BagOfWords",
            params=BagOfWordsParams,
            summary="Counts the terms of item texts.",
            capabilities=Capabilities(cold_items=True),
            api=2,
        ),
        ComponentSpec(
            name="tf-idf",
            stage="featurizer",
            target="shopzoo_text.vectorizers:TfIdf",
            params=TfIdfParams,
            summary="Weights the terms of item texts by their inverse document frequency.",
            citation="Sparck Jones: A Statistical Interpretation of Term Specificity and Its Application in Retrieval. 1972.",
            capabilities=Capabilities(cold_items=True),
            api=2,
        ),
        ComponentSpec(
            name="content-knn",
            stage="predictor",
            target="shopzoo_text.content_knn:ContentKNN",
            params=ContentKNNParams,
            summary="Recommends items with features similar to those of the user's history, including new items.",
            citation="Pazzani, Billsus: Content-Based Recommendation Systems. The Adaptive Web, 2007.",
            capabilities=Capabilities(features="required", cold_items=True, collaborative=False),
            api=2,
        ),
    ]
