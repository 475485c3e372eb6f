"""The metrics, one file each: first a function of judged lists, then the class that averages it."""
