"""Experiment files: their schema, and how they are read and resolved."""
