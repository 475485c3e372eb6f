"""Bare loops to compare with: what a careful user would write without a framework, and two established libraries.

`python -m bare COMMAND ...` in `tests/speed` runs one of them and prints a JSON line; the scripts in `tests/speed` do so by turns with the
zoo's own. A folder has `interactions.parquet` with `user_id`, `item_id`, and `position` or `timestamp`. The last event of each user tests;
ties in score are broken by the order of top-k.
"""
