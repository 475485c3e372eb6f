"""Checks of a task that run before the first fit: each finds one reason why a table could name a false winner."""
