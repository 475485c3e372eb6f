"""Bag of words and tf-idf: scikit-learn's vectorizers, fitted on known items, and saved as a list of terms and tensors."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, TypeVar

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer
from torch import Tensor

from shopzoo_text.params import BagOfWordsParams, TfIdfParams
from zoo.api import Catalogue, DataError, Featurizer, Fitted, ItemFeatures, RunContext, TrainingData

T = TypeVar("T", bound=BagOfWordsParams)


class _TermVectors(Featurizer[T]):
    """The base class of both featurizers: count terms, weight the counts, and optionally project with an SVD."""

    fitted: ClassVar[Fitted] = Fitted(terms=Annotated[list[str], "T"] | None, axes="float32 [T, *] | none")
    terms: list[str] | None
    """The terms in the order of their columns; None with `hashing`."""
    axes: Tensor | None
    """The right singular vectors as columns, `[terms, svd]`; None without `svd`."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Collect the terms of the known items, and compute their weights."""
        self._learn(data.texts(self.params.columns), data.known)

    def transform(self, catalogue: Catalogue) -> ItemFeatures:
        """Return the term vectors of all items, `[I, D]`, sparse without `svd`; zeros for an item without text."""
        return self._features(self._vectors(catalogue.texts(self.params.columns)))

    def fit_transform(self, data: TrainingData, context: RunContext) -> ItemFeatures:
        """Fit, and return the term vectors of all items; each text is processed once."""
        texts = data.texts(self.params.columns)
        known = self._learn(texts, data.known)
        others = self._vectors(_of(texts, ~data.known))
        place = np.argsort(np.concatenate([np.flatnonzero(data.known), np.flatnonzero(~data.known)]))
        return self._features(scipy.sparse.vstack([known, others], format="csr")[place])

    @abstractmethod
    def _weigh(self, counts: csr_matrix, *, learn: bool) -> csr_matrix:
        """Return the weighted counts, `[texts, terms]`; with `learn`, fit the weights on these counts first."""

    def _learn(self, texts: list[str], known: NDArray[np.bool_]) -> csr_matrix:
        """Learn from the texts of known items, and return their vectors, `[known items, terms]`.

        Raises:
            DataError: No term is left, or `svd` is larger than the number of items or terms.
        """
        texts, counter, p = _of(texts, known), self._counter(), self.params
        if not p.hashing:
            counter.set_params(min_df=p.min_df, max_df=p.max_df, max_features=p.max_features)
        try:
            counts = counter.fit_transform(texts)
        except ValueError as error:
            raise self._no_term(texts, str(error)) from error
        if not counts.nnz:
            raise self._no_term(texts, "no term to hash")
        self.terms = None if p.hashing else counter.get_feature_names_out().tolist()
        counts.sort_indices()  # the same order as in `transform`, so that sums are bit-identical
        weights = self._weigh(counts, learn=True)
        self.axes = self._axes(weights) if p.svd else None
        return weights

    def _no_term(self, texts: list[str], why: str) -> DataError:
        """Return the error for texts of known items without any term."""
        p = self.params
        return DataError(
            f"no term is left of the catalogue's {self._format_columns()}: {sum(map(bool, texts))} of {len(texts)} "
            f"known items have a text there, min_df = {p.min_df}, max_df = {p.max_df}, stop_words = {p.stop_words!r} "
            f"({why}). Choose other `columns`, lower `min_df`, raise `max_df`, or drop `stop_words`."
        )

    def _format_columns(self) -> str:
        """Return the columns as text for a message."""
        return ", ".join(map(repr, self.params.columns))

    def _axes(self, weights: csr_matrix) -> Tensor:
        """Return the first right singular vectors, `[terms, svd]`, independent of the run's seed."""
        most = min(weights.shape)
        if self.params.svd > most:
            raise DataError(
                f"svd = {self.params.svd} is more than {weights.shape[0]:,} known items with {weights.shape[1]:,} terms "
                f"allow: set svd = {most} or less"
            )
        return torch.from_numpy(TruncatedSVD(self.params.svd, random_state=0).fit(weights).components_.T.copy())

    def _vectors(self, texts: list[str]) -> csr_matrix:
        """Return the vectors of texts with the fitted terms and weights, `[texts, terms]`."""
        return self._weigh(self._counter(vocabulary=self.terms).transform(texts), learn=False)

    def _features(self, weights: csr_matrix) -> ItemFeatures:
        """Return vectors as item features."""
        if self.axes is not None:
            dense = torch.from_numpy(weights @ self.axes.numpy())
            return ItemFeatures(dense, tuple(f"svd {i}" for i in range(self.axes.shape[1])))
        names = self.terms or [f"hash {i}" for i in range(weights.shape[1])]
        return ItemFeatures.of_sparse(csr_matrix(weights), tuple(names))

    def _counter(self, **options: Any) -> CountVectorizer | HashingVectorizer:
        """Return scikit-learn's vectorizer for the parameters; with `hashing` it has no vocabulary."""
        p = self.params
        options |= {"ngram_range": p.ngrams, "analyzer": p.analyzer, "stop_words": p.stop_words, "dtype": np.float32}
        if p.hashing:
            options.pop("vocabulary", None)
            return HashingVectorizer(n_features=p.hashing, norm=None, alternate_sign=False, **options)
        return CountVectorizer(**options)


class BagOfWords(_TermVectors[BagOfWordsParams]):
    """Term counts of item texts, as computed by scikit-learn's `CountVectorizer`.

    Frequent words count as much as rare ones. `content-knn` compares these counts by cosine, for which `tf-idf` is usually
    better; a neural model learns its own weights. `analyzer` and `ngrams` select n-grams of words, or of characters, for
    languages without spaces and for misspellings; `min_df = 2` drops words of a single item.

    It needs a text column. Each text is processed once: seconds for 100,000 items. Features are sparse, with one column per
    term; `hashing` limits the width, `svd` gives narrow dense features. Terms come only from training items. An item without
    text, or without a known term, has a zero vector.
    """

    def _weigh(self, counts: csr_matrix, *, learn: bool) -> csr_matrix:
        """Return the counts unchanged."""
        return counts


class TfIdf(_TermVectors[TfIdfParams]):
    """Counts weighted by ln((1 + n) / (1 + df)) + 1 and scaled to length 1, as computed by scikit-learn's `TfidfVectorizer`.

    `n` is the number of training items, `df` the number of those with the term. Start with this featurizer; with `content-knn`
    it is hard to beat for short titles. `analyzer` and `ngrams` select n-grams of words, or of characters, for languages without
    spaces and for misspellings; `min_df = 2` drops words of a single item; `sublinear_tf` is for long texts with repeated words.

    It needs a text column. Each text is processed once: seconds for 100,000 items. Features are sparse, with one column per
    term; `hashing` limits the width, `svd` gives narrow dense features. Terms and weights come only from training items. An item
    without text, or without a known term, has a zero vector.
    """

    fitted = Fitted(**_TermVectors.fitted, idf="float32 [T] | float64 [T]")
    idf: Tensor
    """The weight of each term, `[terms]`."""

    def _weigh(self, counts: csr_matrix, *, learn: bool) -> csr_matrix:
        """Return the weighted counts; with `learn`, compute the document frequencies first."""
        transformer = TfidfTransformer(sublinear_tf=self.params.sublinear_tf)
        if learn:
            self.idf = torch.from_numpy(transformer.fit(counts).idf_)
        else:
            transformer.idf_ = self.idf.numpy()
        return transformer.transform(counts)


def _of(texts: list[str], chosen: NDArray[np.bool_]) -> list[str]:
    """Return the texts where the mask is true."""
    return [texts[i] for i in np.flatnonzero(chosen)]
