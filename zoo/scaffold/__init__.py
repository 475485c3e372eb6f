"""New plugins: templates, and what writes them."""
