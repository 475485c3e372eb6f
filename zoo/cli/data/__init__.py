"""`zoo data`: look at data, check and clean them before anything is fitted."""
