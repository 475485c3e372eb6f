"""Text without a network: term vectors of items, and recommendations by likeness of content."""

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
            summary="Weighs the terms of item texts by how few items have them.",
            citation="Sparck Jones: A Statistical Interpretation of Term Specificity and Its Application in Retrieval. 1972.",
            capabilities=Capabilities(cold_items=True),
            api=2,
        ),
        ComponentSpec(
            name="content-knn",
            stage="predictor",
            target="shopzoo_text.content_knn:ContentKNN",
            params=ContentKNNParams,
            summary="Recommends items whose features are like those of what the user took; serves new items from the first day.",
            citation="Pazzani, Billsus: Content-Based Recommendation Systems. The Adaptive Web, 2007.",
            capabilities=Capabilities(features="required", cold_items=True, collaborative=False),
            api=2,
        ),
    ]
