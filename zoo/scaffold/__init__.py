"""Write new plugins from templates."""
