"""The functions of `zoo` in Python that run benchmarks."""
