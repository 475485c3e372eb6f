"""The training loop shared by all networks."""
