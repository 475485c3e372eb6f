"""The comparison of two sides, paired by query: `zoo compare`."""
