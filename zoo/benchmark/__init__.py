"""Run models against each other and keep what came out."""
