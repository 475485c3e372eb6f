"""Recommended lists: those of a run, and those of other programs, which `zoo score` judges."""
