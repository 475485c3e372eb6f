"""Listwise losses, one per file: each takes scores, labels and mask, `[B, K]` each, and returns the mean over lists.

Padded slots do not affect the loss. All losses except ListNet convert graded labels to gains, `2^label - 1`.
"""
