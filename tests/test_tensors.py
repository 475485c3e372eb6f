"""Tensors on disk: what is written comes back to the last bit, and what is damaged is explained before it is used."""

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoo.nn.sparse import csr_tensor, parts_of
from zoo.tensors import can_store, hash_tensors, join_csr, read_header, read_parts, split_csr, write_tensors

MATRIX = scipy.sparse.random(9, 6, 0.3, "csr", np.float32, np.random.default_rng(1))
TYPES = (torch.bool, torch.uint8, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64)


def same(one, other):
    """Return whether two tensors are the same, layout and types included."""
    a, b = parts_of(one), parts_of(other)
    return one.shape == other.shape and a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and torch.equal(a[name], b[name]) for name in a
    )  # fmt: skip


def roundtrip(path, tensors):
    write_tensors(path, tensors)
    return join_csr(read_parts(path))


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_a_tensor_of_any_type_comes_back(tmp_path, kind, sparse):
    tensor = csr_tensor(MATRIX) if sparse else torch.tensor([[0.0, 1.0], [2.0, 1.0]])
    tensor = tensor.to(kind)
    assert same(roundtrip(tmp_path / "t.safetensors", {"a": tensor})["a"], tensor)


def test_views_shared_memory_and_empty_tensors_come_back(tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    tensors = {
        "whole": whole, "again": whole, "flat": whole.view(-1), "row": whole[1], "turned": whole.T, "none": torch.zeros(0, 3),
        "empty": csr_tensor(scipy.sparse.csr_matrix((0, 4), dtype=np.float32)), "weight": torch.nn.Parameter(whole.clone()),
    }  # fmt: skip
    found = roundtrip(tmp_path / "t.safetensors", tensors)
    assert found.keys() == tensors.keys()
    assert all(same(found[name], tensor.detach()) for name, tensor in tensors.items())


def test_texts_lie_in_the_header(tmp_path):
    write_tensors(tmp_path / "t.safetensors", {"a": torch.ones(1)}, {"about": "x"})
    assert read_header(tmp_path / "t.safetensors") == {"about": "x"}
    write_tensors(tmp_path / "t.safetensors", {"a": torch.ones(1)})
    assert read_header(tmp_path / "t.safetensors") == {}


def test_what_can_be_stored():
    assert can_store(torch.ones(2, 2, 2))
    assert can_store(csr_tensor(MATRIX))
    assert not can_store(torch.ones(2, 2).to_sparse())
    assert not can_store(csr_tensor(MATRIX).to_dense().to_sparse_csc())


def test_a_name_that_marks_a_part_is_refused():
    with pytest.raises(ValueError, match=r"a@csr\.values: expected a name without '@csr\.'"):
        split_csr({"a@csr.values": torch.ones(1)})


def test_a_dense_tensor_and_parts_under_one_name_are_refused():
    parts = split_csr({"a": csr_tensor(MATRIX)})
    with pytest.raises(ValueError, match="sparse tensor 'a': expected no dense tensor of the same name"):
        join_csr({"a": torch.ones(1), **parts})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"shape": None}, "parts: expected values, columns, offsets, shape, found values, columns, offsets"),
        ({"more": torch.ones(1)}, "parts: expected values, columns, offsets, shape, found values, columns, offsets, shape, more"),
        ({"shape": torch.tensor([9])}, "shape: expected two int64, found int64 [1]"),
        ({"shape": torch.tensor([9.0, 6.0])}, "shape: expected two int64, found float32 [2]"),
        ({"shape": torch.tensor([10, 6])}, "offsets: expected 11 for 10 rows, found 10"),
        ({"shape": torch.tensor([9, 2**24 + 1])}, "shape: expected at most 16,777,216 columns, or as many as rows, found 16,777,217"),
        ({"shape": torch.tensor([9, 1])}, "columns: expected 0 to 0, found 0 to 5"),
        ({"offsets": torch.zeros(10, dtype=torch.int32)}, f"offsets: expected them to go from 0 to {MATRIX.nnz}, found 0 to 0"),
    ],
)  # fmt: skip
def test_damaged_parts_are_explained(changed, message):
    parts = split_csr({"a": csr_tensor(MATRIX)}) | {f"a@csr.{name}": part for name, part in changed.items()}
    with pytest.raises(ValueError, match="sparse tensor 'a': ") as error:
        join_csr({name: part for name, part in parts.items() if part is not None})
    assert str(error.value) == f"sparse tensor 'a': {message}"


@given(st.data())
def test_changed_parts_are_refused_or_make_a_matrix(data):
    """Any number of any part is replaced, by one that is near or by any other."""
    parts = {name: part.clone() for name, part in split_csr({"a": csr_tensor(MATRIX)}).items()}
    name = data.draw(st.sampled_from(sorted(parts)))
    part, at = parts[name], data.draw(st.integers(0, len(parts[name]) - 1))
    if part.is_floating_point():
        part[at] = data.draw(st.floats(width=32))
    else:
        info = torch.iinfo(part.dtype)
        part[at] = data.draw(st.integers(-3, 30) | st.integers(info.min, info.max))
    if data.draw(st.booleans()):
        parts[name] = part[: data.draw(st.integers(0, len(part)))]
    try:
        made = join_csr(parts)["a"]
    except ValueError:
        return
    scipy.sparse.csr_matrix(
        tuple(parts[f"a@csr.{n}"].numpy() for n in ("values", "columns", "offsets")), made.shape
    ).check_format()
    if made.shape[1] < 1000:
        assert (made @ torch.ones(made.shape[1], 2)).shape == (len(MATRIX.indptr) - 1, 2)


def test_a_hash_tells_names_types_shapes_and_bytes_apart():
    parts = {"a": torch.zeros(2, 3), "b": torch.zeros(0)}
    others = [
        {"a": torch.zeros(3, 2), "b": torch.zeros(0)},
        {"a": torch.zeros(2, 3).int(), "b": torch.zeros(0)},
        {"a": torch.ones(2, 3), "b": torch.zeros(0)},
        {"c": torch.zeros(2, 3), "b": torch.zeros(0)},
        {"a": torch.zeros(2, 3), "b": torch.zeros(0, 1)},
    ]
    hashes = {hash_tensors("text", found) for found in [parts, *others]} | {hash_tensors("other", parts)}
    assert len(hashes) == 7
    assert hash_tensors("text", dict(reversed(parts.items()))) == hash_tensors("text", parts)
