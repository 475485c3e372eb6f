"""Experiment files: their models, and how they are read."""
