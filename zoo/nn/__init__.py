"""Blocks that a plugin may use."""
