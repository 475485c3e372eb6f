"""The interfaces of the pipeline: featurizer, predictor, filter, ranker."""
