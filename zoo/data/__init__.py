"""Tables in, an event log and queries out."""
