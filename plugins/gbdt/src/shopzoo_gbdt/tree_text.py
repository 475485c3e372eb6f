"""The trees of a LightGBM model text, read by a grammar of our own before LightGBM parses them.

LightGBM's parser trusts its input: on altered text it may end the process. What it gets is a text written anew from the
validated parts, with only what a prediction and its explanation need.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_INFINITE = ("inf", "-inf")
"""What a threshold may be besides a finite number: it then separates infinite feature values from the others."""
_MISSING_TYPES = 3
"""How many ways there are to treat missing values: none, zero, NaN."""


def rewrite_trees(text: str, n_features: int) -> str:
    """Return a model text with the same trees, of which each number is valid.

    Raises:
        ValueError: The text is not a model that `lambdamart` wrote; the message says what was expected and found.
    """
    model, end, _ = text.partition("\nend of trees\n")
    head, *trees = model.split("\nTree=")
    width, sizes = (_fields(head).get(name) for name in ("max_feature_idx", "tree_sizes"))
    if width != str(n_features - 1):
        raise ValueError(f"max_feature_idx: expected {n_features - 1} for {n_features} features, found {width}")
    blocks = [_rewrite_tree(number, _fields(tree), n_features) for number, tree in enumerate(trees)]
    if not end or len((sizes or "").split()) != len(trees):
        raise ValueError(
            f"expected {len((sizes or '').split())} trees and the line 'end of trees', found {len(trees)} trees"
        )
    names = " ".join(f"Column_{column}" for column in range(n_features))
    head = "\n".join([
        "tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0",
        f"max_feature_idx={n_features - 1}", "objective=lambdarank", f"feature_names={names}",
        f"feature_infos={' '.join(['none'] * n_features)}", f"tree_sizes={' '.join(str(len(block)) for block in blocks)}",
    ])  # fmt: skip
    return f"{head}\n\n{''.join(blocks)}end of trees\n"


def _rewrite_tree(number: int, fields: dict[str, str], n_features: int) -> str:
    """Return the block of a tree.

    Raises:
        ValueError: A field is missing or has an invalid value, or the nodes do not form a tree.
    """
    place = f"tree {number}"
    for name, only in (("num_cat", "0"), ("is_linear", "0")):
        if fields.get(name, only) != only:
            raise ValueError(f"{place}, {name}: expected {only}, found {fields[name][:20]}")
    (n_leaves,) = _integers(place, fields, "num_leaves", 1, (1, 2**31 - 1))
    n_nodes = int(n_leaves) - 1
    features = _integers(place, fields, "split_feature", n_nodes, (0, n_features - 1))
    decisions = _integers(place, fields, "decision_type", n_nodes, (0, 4 * _MISSING_TYPES - 1))
    if (decisions % 2).any():
        raise ValueError(f"{place}, decision_type: expected numeric splits only, found a categorical one")
    children = [
        _integers(place, fields, f"{side}_child", n_nodes, (-n_nodes - 1, n_nodes - 1)) for side in ("left", "right")
    ]
    _check_tree(place, np.concatenate(children), n_nodes)
    leaf_counts = (
        _integers(place, fields, "leaf_count", n_nodes + 1, (1, 2**31 - 1)) if n_nodes else np.ones(1, np.int64)
    )
    lines = {
        "num_leaves": [n_leaves], "num_cat": [0], "split_feature": features,
        "threshold": _numbers(place, fields, "threshold", n_nodes), "decision_type": decisions,
        "left_child": children[0], "right_child": children[1],
        "leaf_value": _numbers(place, fields, "leaf_value", n_nodes + 1),
        "leaf_count": leaf_counts, "internal_count": _internal_counts(place, *children, leaf_counts), "is_linear": [0], "shrinkage": [1],
    }  # fmt: skip
    body = "\n".join(f"{name}={' '.join(map(str, values))}" for name, values in lines.items())
    return f"Tree={number}\n{body}\n\n\n"


def _internal_counts(
    place: str, left: NDArray[np.int64], right: NDArray[np.int64], leaf_counts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many candidates of the fit each node had, the sum of its leaves; the shares of the paths in TreeSHAP.

    Raises:
        ValueError: They are more than LightGBM can count.
    """
    counts = np.zeros(len(left), np.int64)
    for node in range(len(left) - 1, -1, -1):  # a child comes after its parent
        counts[node] = sum(counts[at] if at >= 0 else leaf_counts[-1 - at] for at in (left[node], right[node]))
    if len(counts) and counts[0] > 2**31 - 1:
        raise ValueError(f"{place}, leaf_count: expected at most {2**31 - 1:,} in sum, found {counts[0]:,}")
    return counts


def _check_tree(place: str, children: NDArray[np.int64], n_nodes: int) -> None:
    """Check that every node but the first, and every leaf, is the child of one earlier node.

    Raises:
        ValueError: It is not so.
    """
    inner = children >= 0
    parents = np.tile(np.arange(n_nodes), 2)
    nodes, leaves = np.sort(children[inner]), np.sort(-1 - children[~inner])
    is_tree = np.array_equal(nodes, np.arange(1, n_nodes)) and bool((children[inner] > parents[inner]).all())
    if not is_tree or (n_nodes and not np.array_equal(leaves, np.arange(n_nodes + 1))):
        raise ValueError(f"{place}, left_child and right_child: expected each node and leaf below one earlier node")


def _fields(block: str) -> dict[str, str]:
    """Return the fields of a block of lines `name=value`."""
    return {name: value for name, mark, value in (line.partition("=") for line in block.splitlines()) if mark}


def _tokens(place: str, fields: dict[str, str], name: str, count: int) -> Iterator[str]:
    """Yield the entries of a field.

    Raises:
        ValueError: There are not `count`, or one is not a number.
    """
    tokens = fields.get(name, "").split(" ") if fields.get(name) else []
    if len(tokens) != count:
        raise ValueError(f"{place}, {name}: expected {count:,} numbers, found {len(tokens):,}")
    for token in tokens:
        is_finite = _NUMBER.fullmatch(token) and math.isfinite(float(token))
        if not is_finite and not (name == "threshold" and token in _INFINITE):
            raise ValueError(f"{place}, {name}: expected finite numbers, found {token[:20]!r}")
        yield token


def _numbers(place: str, fields: dict[str, str], name: str, count: int) -> list[str]:
    """Return the numbers of a field, as they are written."""
    return list(_tokens(place, fields, name, count))


def _integers(place: str, fields: dict[str, str], name: str, count: int, bounds: tuple[int, int]) -> NDArray[np.int64]:
    """Return the integers of a field.

    Raises:
        ValueError: There are not `count`, or one is not an integer within the bounds, included.
    """
    low, high = bounds
    values = list(_tokens(place, fields, name, count))
    for token in values:
        if not token.lstrip("-").isdigit() or not low <= int(token) <= high:
            raise ValueError(f"{place}, {name}: expected integers from {low} to {high:,}, found {token[:20]}")
    return np.array(values, np.int64)
