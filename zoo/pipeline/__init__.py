"""A model from its description to its lists: the stages, fitted in order and used as one."""

from zoo.pipeline.fitted import FittedPipeline
from zoo.pipeline.retrieval import Rules
from zoo.pipeline.unfitted import Pipeline

__all__ = ["FittedPipeline", "Pipeline", "Rules"]
