"""Sparse matrices between scipy, torch and files: nothing is computed with parts that were not checked."""

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoo.nn.sparse import checked_csr, csr_tensor, of_saved_parts, parts_of, scipy_matrix, stacked

OFFSETS, COLUMNS, VALUES, SHAPE = [0, 2, 2, 3], [0, 3, 1], [1.0, 2.0, 3.0], (3, 4)
DENSE = [[1.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0]]


def checked(offsets=OFFSETS, columns=COLUMNS, values=VALUES, shape=SHAPE, kind=torch.int64):
    return checked_csr(
        torch.tensor(offsets, dtype=kind), torch.tensor(columns, dtype=kind), torch.tensor(values), shape
    )


@pytest.mark.parametrize("kind", [torch.int32, torch.int64])
def test_parts_that_fit_make_a_matrix(kind):
    made = checked(kind=kind)
    assert made.to_dense().tolist() == DENSE
    assert made.crow_indices().dtype == kind


def test_columns_in_any_order_and_repeated_are_sums():
    made = checked([0, 3, 3, 3], [3, 0, 3], [1.0, 2.0, 4.0])
    assert (scipy_matrix(made) @ np.eye(4)).tolist()[0] == [2.0, 0.0, 0.0, 5.0]
    assert (made @ torch.eye(4)).tolist()[0] == [2.0, 0.0, 0.0, 5.0]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_an_empty_matrix_is_one(shape):
    assert checked([0] * (shape[0] + 1), [], [], shape).to_dense().shape == shape


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"offsets": [0, 2, 3]}, "offsets: expected 4 for 3 rows, found 3"),
        ({"offsets": [1, 2, 2, 3]}, "offsets: expected them to go from 0 to 3, found 1 to 3"),
        ({"offsets": [0, 2, 2, 9]}, "offsets: expected them to go from 0 to 3, found 0 to 9"),
        ({"offsets": [0, 3, 2, 3]}, "offsets: expected them never to fall, found [3, 2] at row 1"),
        ({"offsets": [0, 2**62, -(2**62), 3]}, f"offsets: expected them never to fall, found [{2**62}, {-(2**62)}] at row 1"),
        ({"columns": [0, 4, 1]}, "columns: expected 0 to 3, found 0 to 4"),
        ({"columns": [0, -1, 1]}, "columns: expected 0 to 3, found -1 to 1"),
        ({"columns": [0, 1]}, "columns: expected 3, as many as values, found 2"),
        ({"columns": [[0, 3, 1]]}, "columns: expected a dense tensor with one axis, found int64 [1, 3]"),
        ({"values": 1.0}, "values: expected a dense tensor with one axis, found float32 []"),
        ({"values": [1.0, float("nan"), 3.0]}, "values: expected finite numbers, found nan at place 1"),
        ({"values": [1.0, 2.0, float("-inf")]}, "values: expected finite numbers, found -inf at place 2"),
        ({"shape": (3, -1)}, "shape: expected two numbers of at least 0 whose product is below 2^63, found [3, -1]"),
        ({"shape": (3, 2**62)}, f"shape: expected two numbers of at least 0 whose product is below 2^63, found [3, {2**62}]"),
        ({"kind": torch.int16}, "offsets: expected int32 or int64, as the offsets are, found int16 [4]"),
        ({"kind": torch.float32}, "offsets: expected int32 or int64, as the offsets are, found float32 [4]"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_explained(changed, message):
    with pytest.raises(ValueError, match="expected") as error:
        checked(**changed)
    assert str(error.value) == message


def test_offsets_and_columns_are_of_one_type():
    parts = parts_of(checked())
    with pytest.raises(ValueError, match=r"columns: expected int32 or int64, as the offsets are, found int32 \[3\]"):
        checked_csr(parts["offsets"], parts["columns"].int(), parts["values"], SHAPE)


@given(
    st.lists(st.integers(-2, 6), min_size=0, max_size=5),
    st.lists(st.integers(-2, 6), min_size=0, max_size=5),
    st.lists(st.floats(-1, 1, width=32), min_size=0, max_size=5),
    st.tuples(st.integers(-1, 4), st.integers(-1, 4)),
)
def test_what_is_taken_is_a_matrix_whatever_the_parts(offsets, columns, values, shape):
    parts = [torch.tensor(part, dtype=torch.int64) for part in (offsets, columns)]
    try:
        made = checked_csr(*parts, torch.tensor(values, dtype=torch.float32), shape)
    except ValueError:
        return
    scipy.sparse.csr_matrix(scipy_matrix(made)).check_format(full_check=True)
    assert made.shape == shape


def test_a_matrix_goes_to_scipy_and_back_in_the_same_memory():
    matrix = scipy.sparse.random(7, 5, 0.4, "csr", np.float32, np.random.default_rng(0))
    tensor = csr_tensor(matrix)
    assert tensor.values().data_ptr() == matrix.data.ctypes.data
    again = scipy_matrix(tensor)
    assert again.data.ctypes.data == matrix.data.ctypes.data
    assert (again != matrix).nnz == 0


def test_rows_are_stacked_in_the_layout_of_the_first():
    above, below = checked(), checked([0, 1], [2], [5.0], (1, 4))
    assert stacked(above, below).to_dense().tolist() == [*DENSE, [0.0, 0.0, 5.0, 0.0]]


def test_saved_parts_are_a_dense_matrix_or_a_sparse_one_that_is_checked():
    dense, parts = torch.tensor(DENSE), parts_of(checked())
    assert of_saved_parts({"values": dense}, 4) is dense
    assert of_saved_parts(parts, 4).to_dense().tolist() == DENSE
    with pytest.raises(ValueError, match="columns: expected 0 to 2, found 0 to 3"):
        of_saved_parts(parts, 3)
    with pytest.raises(ValueError, match="offsets: expected 1 for 0 rows, found 0"):
        of_saved_parts({**parts, "offsets": torch.zeros(0, dtype=torch.int64)}, 4)
