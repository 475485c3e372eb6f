"""The analysis of an event log: what is in it, what is wrong with it, and which experiment suits it."""
