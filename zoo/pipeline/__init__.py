"""The pipeline of a model: fit its stages in order, then recommend with them."""

from zoo.pipeline.fitted import FittedPipeline
from zoo.pipeline.retrieval import Rules
from zoo.pipeline.unfitted import Pipeline

__all__ = ["FittedPipeline", "Pipeline", "Rules"]
