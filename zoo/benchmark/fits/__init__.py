"""Fits that runs and trials of a benchmark share: a cache on disk, and the seconds and memory of each row."""
