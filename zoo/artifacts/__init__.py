"""Fitted pipelines on disk: saved whole, checked before they are used, and asked for recommendations."""
