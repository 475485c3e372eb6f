"""Sparse matrices as torch tensors."""

import warnings

import numpy as np
import scipy.sparse
import torch
from torch import Tensor


def csr_tensor(matrix: scipy.sparse.csr_matrix, device: torch.device | str = "cpu") -> Tensor:
    """Return a scipy matrix as a torch tensor in CSR layout, with the types of its arrays; on the CPU it shares the memory."""
    ends, columns, values = (torch.from_numpy(np.asarray(a)) for a in (matrix.indptr, matrix.indices, matrix.data))
    with warnings.catch_warnings():  # torch tells every user once that this layout is in beta
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(ends, columns, values, matrix.shape, check_invariants=False).to(device)
