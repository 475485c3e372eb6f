"""Logs that were read once and are opened afterwards: sorted out of core, in folders of memory-mapped columns."""
