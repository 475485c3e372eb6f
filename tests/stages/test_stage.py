"""What all stages share: a fitted state goes out and comes back."""

from functools import cached_property

import pytest
import torch

import zoo
from zoo.errors import NotFittedError
from zoo.params import Params
from zoo.stages.stage import Stage, State


class Doubling(Stage):
    """Keeps a number, and what follows from it."""

    fitted = ("number", "vector")

    @cached_property
    def doubled(self):
        return 2 * self.number


def fitted(number):
    stage = Doubling(Params())
    stage.number, stage.vector = number, torch.ones(number)
    return stage


def test_a_state_is_tensors_and_values_and_comes_back():
    state = fitted(3).state()
    assert list(state.tensors) == ["vector"]
    assert state.values == {"number": 3}
    again = Doubling(Params())
    again.load_state(state)
    assert (again.number, len(again.vector)) == (3, 3)


def test_what_was_derived_from_an_earlier_state_is_forgotten():
    stage = fitted(3)
    assert stage.doubled == 6
    stage.load_state(fitted(5).state())
    assert stage.doubled == 10


def test_a_stage_that_is_not_fitted_says_so():
    with pytest.raises(NotFittedError, match="Doubling is not fitted: call fit, or load a fitted state"):
        Doubling(Params()).state()
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        _ = Doubling(Params()).other


def test_a_copy_of_a_state_shares_nothing_sparse_tensors_included():
    state = State({"dense": torch.ones(2), "sparse": torch.eye(2).to_sparse_csr()}, {"list": [1]})
    copied = state.copy()
    copied.tensors["dense"][0] = copied.tensors["sparse"].values()[0] = 7
    copied.values["list"].append(2)
    assert state.tensors["dense"].tolist() == [1, 1]
    assert state.tensors["sparse"].to_dense().tolist() == [[1, 0], [0, 1]]
    assert state.values == {"list": [1]}


def test_a_stage_shows_the_parameters_that_were_set():
    assert repr(zoo.load("ease", l2=500.0)) == "EASE(l2=500.0)"
    assert repr(zoo.load("als")) == "ALS()"
