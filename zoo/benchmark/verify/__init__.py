"""What a results folder claims, computed again: `zoo verify`."""
