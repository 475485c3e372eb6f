"""Cosines of item vectors, against a loop."""

import math

import torch

from zoo.nn import cosines


def test_cosines_are_those_of_each_pair_and_none_for_a_zero_vector():
    vectors = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    vectors[[0, 5]] = 0.0
    items = torch.tensor([3, 5, 3, 8])
    found = cosines(vectors, items)
    for row, item in enumerate(items.tolist()):
        for other in range(9):
            a, b = vectors[item], vectors[other]
            if 0 in (float(a.norm()), float(b.norm())):
                assert found[row, other] == -math.inf
            else:
                assert math.isclose(found[row, other], float(a @ b / (a.norm() * b.norm())), abs_tol=1e-6)
