"""A trial of a loaded artifact: it answers two queries before it is used, so that a broken model is found at once."""

from __future__ import annotations

import pyarrow as pa

from zoo.artifacts.artifact import Artifact
from zoo.errors import ArtifactError

HISTORY, LENGTH = 3, 10
"""The number of items in the history of the trial, and the length of its lists."""


def try_artifact(artifact: Artifact, path: str) -> None:
    """Answer a query with a short history, and one without a history.

    This also computes what the stages derive from their state, which the first query of a user would do otherwise.

    Raises:
        ArtifactError: A stage fails, or returns what cannot be ranked.
    """
    known = artifact.pipeline.known.nonzero()[0][:HISTORY]
    history = [artifact.catalogue.ids[int(item)].as_py() for item in known]
    queries = pa.table({"history": pa.array([history, []], pa.list_(pa.string()))})
    try:
        artifact.lists(queries, min(LENGTH, len(artifact.catalogue) - 1))
    except Exception as error:  # a plugin's stage may raise anything
        raise ArtifactError(
            f"{path}: the model cannot answer a query ({type(error).__name__}: {error}). "
            "The artifact is damaged, or was changed: save it again."
        ) from error
