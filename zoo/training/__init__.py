"""One loop that trains every network."""
