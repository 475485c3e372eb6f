"""Data: read tables into an event log and a catalogue, split the log and build queries."""
