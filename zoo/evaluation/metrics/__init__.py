"""The metrics, one per file: a function of evaluated lists, and the class that averages it."""
