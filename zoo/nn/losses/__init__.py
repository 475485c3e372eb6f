"""The losses, one file each: vectors `[N, D]`, the item table, targets `[N]` and negatives in, one number out."""
