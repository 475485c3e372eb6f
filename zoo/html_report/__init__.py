"""The HTML report of benchmarks: one file that needs no network."""
