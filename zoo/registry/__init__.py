"""Find plugins, and turn names into components."""
