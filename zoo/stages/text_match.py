"""Text matching features of (query, document) pairs for rankers: BM25, term overlap, phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from zoo.data.catalogue import Catalogue
from zoo.data.products import pair_products

K1, B = 1.2, 0.75
"""The BM25 parameters for term frequency saturation and document length normalisation."""
WORD = re.compile(r"[^\W_]+")


class TextMatch:
    """BM25 and term overlap between queries and the text columns of documents, per column and over all columns.

    BM25 follows Robertson and Zaragoza (2009) with k1 = 1.2, b = 0.75 and the idf log(1 + (N - n + 0.5) / (n + 0.5)), which
    is never negative. Document frequencies are counted on the training documents; for a term without one, n = 0.

    | column | value |
    | --- | --- |
    | `bm25`, `bm25-COLUMN` | BM25 of the query, over all columns and per column |
    | `overlap`, `overlap-COLUMN` | share of the query's distinct terms that occur in the text |
    | `phrase-COLUMN` | share of the query's distinct word bigrams that occur in the column |
    | `start-COLUMN` | mean over the query's terms of 1 / (position of the first occurrence), 0 if there is none |
    | `density-COLUMN` | share of the column's words that are query terms |
    | `length-COLUMN` | log(1 + number of words in the column) |
    | `query-length` | number of distinct query terms |
    """

    def __init__(self, catalogue: Catalogue, columns: Sequence[str], judged: NDArray[np.bool_]) -> None:
        """Count the terms of the documents.

        Args:
            catalogue: The documents.
            columns: Their text columns.
            judged: Which documents occur in a list, `[I]`; the others are skipped.

        Raises:
            DataError: A column is missing or is not text.
        """
        texts = {
            name: [text if wanted else "" for text, wanted in zip(catalogue.texts([name]), judged, strict=True)]
            for name in columns
        }
        self.terms = Terms(words(text) for column in texts.values() for text in column)
        self.pairs = Terms(pairs(text) for column in texts.values() for text in column)
        self.phrases = {name: self.pairs.counts(map(pairs, column)).sign() for name, column in texts.items()}
        self.starts = {name: self.terms.counts(map(words, column), first=True) for name, column in texts.items()}
        counts = {f"-{name}": self.terms.counts(map(words, column)) for name, column in texts.items()}
        self.counts = {
            "": sum(counts.values(), start=scipy.sparse.csr_matrix(next(iter(counts.values())).shape)),
            **counts,
        }

    def columns(
        self,
        queries: Sequence[str],
        list_of: NDArray[np.int64],
        documents: NDArray[np.int64],
        known: NDArray[np.bool_],
    ) -> dict[str, NDArray[np.float32]]:
        """Return the feature columns of (query, document) pairs, `[N]` each.

        Args:
            queries: The query texts, `[Q]`.
            list_of: The query index of each pair, `[N]`.
            documents: The document number of each pair, `[N]`.
            known: Which documents are in training, `[I]`; document frequencies are counted on these.
        """
        terms_of = [sorted(set(words(text))) for text in queries]
        length = np.array([len(terms) for terms in terms_of], np.float32)
        matrix = self.terms.counts(terms_of)
        phrases = [sorted(set(pairs(text))) for text in queries]
        of_pairs, number = self.pairs.counts(phrases), np.array([max(len(p), 1) for p in phrases], np.float32)
        features: dict[str, NDArray[np.floating]] = {}
        for name, counts in self.counts.items():
            features[f"bm25{name}"] = pair_products(matrix, _bm25(counts.tocsr(), known), list_of, documents)
            there = self.counts[name].sign()
            features[f"overlap{name}"] = (
                pair_products(matrix, there, list_of, documents) / np.maximum(length, 1)[list_of]
            )
            if name:
                n = np.asarray(self.counts[name].sum(1)).ravel()[documents]
                found = pair_products(matrix, self.counts[name], list_of, documents)
                features[f"density{name}"], features[f"length{name}"] = found / np.maximum(n, 1), np.log1p(n)
        for name, first in self.starts.items():
            features[f"start-{name}"] = (
                pair_products(matrix, first, list_of, documents) / np.maximum(length, 1)[list_of]
            )
        for name, there in self.phrases.items():
            features[f"phrase-{name}"] = pair_products(of_pairs, there, list_of, documents) / number[list_of]
        features["query-length"] = length[list_of]
        return {name: values.astype(np.float32) for name, values in features.items()}


class Terms:
    """A vocabulary: terms and their numbers."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        """Number the terms of the texts in order of first occurrence."""
        self.number: dict[str, int] = {}
        for text in texts:
            for term in text:
                self.number.setdefault(term, len(self.number))

    def counts(self, texts: Iterable[Sequence[str]], *, first: bool = False) -> scipy.sparse.csr_matrix:
        """Return the count of each vocabulary term in each text, `[rows, V]`; other terms are ignored.

        Args:
            texts: The texts as sequences of terms.
            first: Whether to return 1 / (position of the first occurrence, from 1) instead of the count.
        """
        ends, terms, values = [0], list[int](), list[float]()
        for text in texts:
            found: dict[int, float] = {}
            for place, term in enumerate(text, 1):
                if term in self.number:
                    at = self.number[term]
                    found[at] = found.get(at, 1 / place) if first else found.get(at, 0.0) + 1
            terms += found
            values += found.values()
            ends.append(len(terms))
        parts = (np.array(values, np.float32), np.array(terms, np.int64), np.array(ends))
        matrix = scipy.sparse.csr_matrix(parts, (len(ends) - 1, len(self.number)))
        matrix.sort_indices()
        return matrix


def words(text: str) -> list[str]:
    """Return the lower-case words of a text."""
    return WORD.findall(text.lower())


def pairs(text: str) -> list[str]:
    """Return the word bigrams of a text."""
    found = words(text)
    return [f"{a} {b}" for a, b in pairwise(found)]


def _bm25(counts: scipy.sparse.csr_matrix, known: NDArray[np.bool_]) -> scipy.sparse.csr_matrix:
    """Return the BM25 weight of each term in each document, `[I, V]`."""
    n, having = int(known.sum()), np.asarray(counts[known].sign().sum(0)).ravel()
    idf = np.log1p((n - having + 0.5) / (having + 0.5))
    lengths = np.asarray(counts.sum(1)).ravel()
    mean = lengths[known].mean() if n and lengths[known].any() else 1.0
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    weighted = counts.copy()
    weighted.data = (
        idf[counts.indices] * counts.data * (K1 + 1) / (counts.data + K1 * (1 - B + B * lengths[rows] / mean))
    )
    return weighted
