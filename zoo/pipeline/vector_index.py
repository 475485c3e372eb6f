"""An approximate index of item vectors: a graph of usearch, which finds the items of the largest products without reading all of them.

The graph is a hierarchical navigable small world (Malkov and Yashunin, TPAMI 2020). Largest inner products are no nearest neighbours: an
item may be nearer to others than to itself. Each vector can therefore get a further number that makes all of them equally long (Bachrach et
al., RecSys 2014), and a query a zero, which changes no product; the order is then that of cosines. Which graph finds more depends on the
vectors (Morozov and Babenko, NeurIPS 2018, use plain products). What it finds is scored again with the vectors themselves, so that it
decides only which items are compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from zoo.errors import ArtifactError
from zoo.params import StrictTable
from zoo.pipeline.index_format import check_index

TINY = 1e-30
"""Prevents 0 / 0 for a query whose vector is zero."""
DTYPE = "f16"
"""The type of the vectors in the graph; half of the memory, and the found items are scored again in float32."""


class IndexSettings(StrictTable):
    """The settings of an index."""

    connectivity: int = Field(16, ge=2, le=256)
    """Neighbours of an item in the graph; twice as many on its lowest level. More find more, and take more memory."""
    expansion_add: int = Field(96, ge=1, le=65_536)
    """Candidates for the neighbours of an item when it is added."""
    expansion_search: int = Field(256, ge=1, le=65_536)
    """Candidates of a search. More find more, and take longer."""
    equal_lengths: bool = True
    """Whether the vectors in the graph are made equally long."""


class VectorIndex:
    """The vectors of items in a graph."""

    def __init__(self, graph: Any, settings: IndexSettings) -> None:
        self.graph, self.settings = graph, settings

    def __len__(self) -> int:
        """Return the number of items in the graph."""
        return len(self.graph)

    @classmethod
    def build(cls, vectors: NDArray[np.float32], settings: IndexSettings) -> VectorIndex:
        """Return the index of item vectors `[I, D]`; items whose vector is zero are left out.

        Raises:
            ArtifactError: usearch is not installed, there is no item, or a vector is not finite.
        """
        items = np.flatnonzero(vectors.any(axis=1))
        if not len(items) or not np.isfinite(vectors).all():
            what = "there is no item with a vector" if not len(items) else "a vector has a NaN or infinite number"
            raise ArtifactError(f"no index can be built: {what}. Fit the model again.")
        graph = _graph(vectors.shape[1], settings)
        graph.add(items, _extended(vectors[items], equal=settings.equal_lengths), threads=torch.get_num_threads())
        return cls(graph, settings)

    def search(self, vectors: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Return the items of the largest products with each vector `[B, D]`, `[B, C]`, with 0 in empty slots; best first, nearly."""
        count = min(count, len(self))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.pad(vectors / np.maximum(lengths, TINY), ((0, 0), (0, 1)))
        found = self.graph.search(unit, count, threads=torch.get_num_threads())
        items = np.zeros((len(vectors), count), np.int64)
        if len(vectors) == 1:  # a batch of one is returned as a single answer
            items[0, : len(found.keys)] = found.keys
        else:
            items[:] = np.where(np.arange(count) < np.asarray(found.counts)[:, None], found.keys, 0)
        return items

    def content(self) -> bytes:
        """Return the content of a file."""
        return bytes(self.graph.save())

    @classmethod
    def of_content(cls, content: bytes, settings: IndexSettings, dim: int, n_items: int) -> VectorIndex:
        """Return the index in a file.

        Args:
            content: The content of the file.
            settings: The settings that it was built with.
            dim: The width D of the vectors.
            n_items: The number of items I, with padding.

        Raises:
            ArtifactError: usearch is not installed.
            ValueError: The content is no index of such vectors.
        """
        graph = _graph(dim, settings)
        check_index(content, bytes(graph.save()), dim + 1, settings.connectivity, n_items)
        graph.load(content)
        return cls(graph, settings)


def _extended(vectors: NDArray[np.float32], *, equal: bool) -> NDArray[np.float32]:
    """Return vectors `[N, D + 1]` in proportion to those of `[N, D]`, of length at most 1, or exactly 1."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    rest = np.sqrt(np.maximum(1 - (lengths / lengths.max()) ** 2, 0.0)) if equal else np.zeros(len(vectors))
    return np.column_stack([vectors / lengths.max(), rest]).astype(np.float32)


def _graph(dim: int, settings: IndexSettings) -> Any:
    """Return an empty graph for vectors of a width.

    Raises:
        ArtifactError: usearch is not installed.
    """
    try:
        from usearch.index import Index
    except ImportError as error:
        raise ArtifactError(
            'an index needs usearch, which is not installed. To install it: pip install "shopzoo[ann]".'
        ) from error
    return Index(ndim=dim + 1, metric="ip", dtype=DTYPE, **settings.model_dump(exclude={"equal_lengths"}))
