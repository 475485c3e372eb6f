"""The losses over lists, one file each: scores, labels and mask in, each `[B, K]`; the mean over the lists out.

What stands in a padded slot counts for nothing. Graded labels become gains, `2^label - 1`, but for ListNet.
"""
