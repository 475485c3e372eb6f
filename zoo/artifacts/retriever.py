"""The index of an artifact's item vectors: built, compared with exact retrieval, saved beside the stages, and loaded after a check."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.folder import Folder
from zoo.artifacts.query_parsing import queries_of_users
from zoo.artifacts.query_table import UNSET
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.artifacts.session import session_queries
from zoo.data.queries import Queries
from zoo.errors import ArtifactError, ConfigError
from zoo.params import StrictTable, validated
from zoo.pipeline import FittedPipeline
from zoo.pipeline.retrieval import Retrieval
from zoo.pipeline.retriever import Retriever
from zoo.pipeline.vector_index import IndexSettings, VectorIndex
from zoo.stages.candidates import Candidates

INDEX, ENTRY = "retriever.usearch", "retriever.json"
"""The files of an index."""
QUERIES, TIMED, K, HISTORY = 200, 20, 100, 5
"""Queries and length of the lists of the comparison with exact retrieval, queries that are timed alone, and items in a drawn history."""
ENOUGH = 0.98
"""The recall at which no other index is built."""
CLOSE = 1e-3
"""How far a product may differ from a score, as a share of the largest score."""


class RetrieverEntry(StrictTable):
    """What `retriever.json` says of an index."""

    name: Literal["usearch"] = "usearch"
    """The library."""
    settings: IndexSettings
    """How it was built, and how it is searched."""
    items: int
    """The number of items in it."""
    k: int
    """The length of the lists that were compared with exact retrieval."""
    queries: int
    """The number of these lists."""
    recall: float
    """The mean share of the exact list that the index finds, after rules and filters."""
    exact_ms: float
    """The median time of an exact list when it was built, in milliseconds."""
    index_ms: float
    """The median time of a list from the index."""

    def __str__(self) -> str:
        """Describe the quality in a sentence."""
        return (
            f"recall@{self.k} {self.recall:.4f} against exact retrieval ({self.queries:,} queries); {self.index_ms:.2g} ms a list "
            f"instead of {self.exact_ms:.2g} ms ({self.items:,} items)"
        )


def build_retriever(artifact: ArtifactContents, settings: IndexSettings) -> tuple[FittedPipeline, RetrieverEntry]:
    """Return the pipeline of an artifact with an index, and what it finds.

    If an index of vectors of equal lengths finds too little, another one of the plain vectors is built, and the better one is taken.

    Raises:
        ArtifactError: The scores of the predictor are no products of vectors, or usearch is not installed.
    """
    pipeline, exact = artifact.pipeline, replace(artifact.pipeline.retrieval, retriever=None)
    chosen = pipeline.model.predictor
    if not chosen.capabilities.products:
        raise ArtifactError(
            f"the scores of {chosen.name} are no products of vectors, so there is no index for them. Fit a model whose scores are, "
            "such as als, bpr-mf or a network."
        )
    vectors = exact.predictor.item_vectors().detach().float().cpu()
    queries = _queries(artifact)
    expected = exact.top(queries, min(K, int(vectors.any(dim=1).sum())) or 1, artifact.rules)
    _refuse_other_scores(exact, queries, expected, vectors, chosen.origin)
    tried: list[tuple[float, Retriever]] = []
    for equal in (True, False):
        index = VectorIndex.build(vectors.numpy(), settings.model_copy(update={"equal_lengths": equal}))
        retriever = Retriever(index, vectors)
        found = replace(exact, retriever=retriever).top(queries, expected.items.shape[1], artifact.rules)
        tried.append((_recall(found, expected), retriever))
        if tried[-1][0] >= ENOUGH:
            break
    recall, retriever = max(tried, key=lambda one: one[0])
    indexed = replace(exact, retriever=retriever)
    k = expected.items.shape[1]
    entry = RetrieverEntry(
        settings=retriever.index.settings,
        items=len(retriever.index),
        k=k,
        queries=len(queries),
        recall=round(recall, 4),
        exact_ms=_median_ms(exact, queries, k, artifact),
        index_ms=_median_ms(indexed, queries, k, artifact),
    )
    return replace(pipeline, retrieval=indexed), entry


def _refuse_other_scores(
    exact: Retrieval, queries: Queries, expected: Candidates, vectors: Tensor, origin: str
) -> None:
    """Refuse a predictor whose scores are not the products that it declares.

    Raises:
        ArtifactError: A score of its lists differs from the product.
    """
    with torch.inference_mode():
        asked = exact.restricted(queries.compact(), cold=exact.scores_cold)
        products = (vectors[expected.items] @ exact.predictor.query_vectors(asked).float().cpu()[:, :, None]).squeeze(2)
    present = expected.items > 0
    scores = expected.scores[present]
    if len(scores) and (products[present] - scores).abs().max() > CLOSE * scores.abs().max():
        raise ArtifactError(
            f"{origin} declares that its scores are products of vectors, and they are not: `score` differs from the products of "
            "`query_vectors` and `item_vectors`. Correct the plugin, or use it without an index."
        )


def _recall(found: Candidates, expected: Candidates) -> float:
    """Return the mean share of the expected lists that was found; 1 if all of them are empty."""
    shares = [
        len(np.intersect1d(ours[ours > 0], theirs[theirs > 0])) / int((theirs > 0).sum())
        for ours, theirs in zip(found.items.numpy(), expected.items.numpy(), strict=True)
        if (theirs > 0).any()
    ]
    return float(np.mean(shares)) if shares else 1.0


def write_retriever(artifact: ArtifactContents, folder: Path) -> None:
    """Write the index of an artifact; nothing if it has none."""
    retriever = artifact.pipeline.retrieval.retriever
    if retriever is not None and artifact.retriever is not None:
        (folder / INDEX).write_bytes(retriever.index.content())
        (folder / ENTRY).write_text(artifact.retriever.model_dump_json(indent=1), encoding="utf-8")


def read_retriever(files: Folder, pipeline: FittedPipeline) -> tuple[FittedPipeline, RetrieverEntry | None]:
    """Return a pipeline with the index of its artifact, and what it says of it.

    Raises:
        ArtifactError: The index is damaged, is not one of the predictor's vectors, or usearch is not installed.
    """
    there = [name for name in (INDEX, ENTRY) if name in files.manifest.files]
    if not there:
        return pipeline, None
    if len(there) == 1 or not pipeline.model.predictor.capabilities.products:
        raise ArtifactError(
            f"{files.path} has {there[0]}, which is no index of its predictor. Save the artifact again."
        )
    try:
        entry = validated(RetrieverEntry, _table(files.values(ENTRY)), "")
    except ConfigError as error:
        raise ArtifactError(f"{files.path / ENTRY}: {error} Save the artifact again.") from None
    vectors = pipeline.predictor.item_vectors().detach().float().cpu()
    try:
        index = VectorIndex.of_content(files.content(INDEX), entry.settings, vectors.shape[1], len(vectors))
    except ValueError as error:
        raise ArtifactError(f"{files.path / INDEX} is not a valid index: {error}. Save the artifact again.") from None
    retrieval = replace(pipeline.retrieval, retriever=Retriever(index, vectors))
    return replace(pipeline, retrieval=retrieval), entry


def _table(values: Any) -> dict[str, Any]:
    """Return a JSON value that is a table; an empty table for another."""
    return values if isinstance(values, dict) else {}


def _queries(artifact: ArtifactContents) -> Queries:
    """Return queries of users of the artifact; if it has no histories, of drawn ones."""
    users = np.flatnonzero(np.diff(artifact.histories.offsets))
    if len(users):
        some = users[np.unique(np.linspace(0, len(users) - 1, QUERIES).astype(np.int64))]
        return queries_of_users(artifact, some + 1, np.full(len(some), UNSET), QueryWarnings())
    known = np.flatnonzero(artifact.pipeline.known)
    drawn = np.random.default_rng(0).choice(known, (QUERIES, HISTORY))
    return session_queries(artifact, [artifact.catalogue.ids.take(row).to_pylist() for row in drawn], None)


def _median_ms(retrieval: Retrieval, queries: Queries, k: int, artifact: ArtifactContents) -> float:
    """Return the median time of the list of a single query, in milliseconds."""
    times = []
    for at in range(min(TIMED, len(queries))):
        start = time.perf_counter()
        retrieval.top(queries[at : at + 1], k, artifact.rules)
        times.append(1e3 * (time.perf_counter() - start))
    return round(float(np.median(times)), 3) if times else 0.0
