"""Run benchmarks and store their results."""
