"""Metrics, evaluators, bootstrap intervals and significance tests."""
