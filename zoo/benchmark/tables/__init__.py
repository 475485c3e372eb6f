"""Tables and report.md of a results folder."""
