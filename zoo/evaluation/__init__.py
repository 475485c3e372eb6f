"""Metrics, the evaluator, and what can be told apart."""
