"""Bag of words and tf-idf: scikit-learn's vectorizers, fitted on known items, saved as a list of terms and tensors."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, TypeVar

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer
from torch import Tensor

from shopzoo_text.params import BagOfWordsParams, TfIdfParams
from zoo.api import Catalogue, DataError, Featurizer, ItemFeatures, RunContext, TrainingData

T = TypeVar("T", bound=BagOfWordsParams)


class _TermVectors(Featurizer[T]):
    """What both featurizers share: texts are counted, the counts weighed, and the weights made dense where `svd` says so."""

    fitted: ClassVar[tuple[str, ...]] = ("terms", "axes")
    terms: list[str] | None
    """The terms in the order of their columns; None where they are hashed."""
    axes: Tensor | None
    """The right singular vectors as columns, `[terms, svd]`; None without `svd`."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Collect the terms of the known items, and learn their weights."""
        self._learn(data.texts(self.params.columns), data.known)

    def transform(self, catalogue: Catalogue) -> ItemFeatures:
        """Return the term vectors of all items, `[I, D]`, sparse without `svd`; an item without text has an empty one."""
        return self._features(self._vectors(catalogue.texts(self.params.columns)))

    def fit_transform(self, data: TrainingData, context: RunContext) -> ItemFeatures:
        """Fit, and return the term vectors of all items; a text is read once."""
        texts = data.texts(self.params.columns)
        known = self._learn(texts, data.known)
        others = self._vectors(_of(texts, ~data.known))
        place = np.argsort(np.concatenate([np.flatnonzero(data.known), np.flatnonzero(~data.known)]))
        return self._features(scipy.sparse.vstack([known, others], format="csr")[place])

    @abstractmethod
    def _weigh(self, counts: csr_matrix, *, learn: bool) -> csr_matrix:
        """Return what counts are worth, `[texts, terms]`; `learn` from them first where they are those of the known items."""

    def _learn(self, texts: list[str], known: NDArray[np.bool_]) -> csr_matrix:
        """Learn from the texts of known items, and return their vectors, `[known items, terms]`.

        Raises:
            DataError: No term is left of them, or `svd` asks for more than there is.
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
        counts.sort_indices()  # as they are when a text is transformed: a sum in another order is another float
        weights = self._weigh(counts, learn=True)
        self.axes = self._axes(weights) if p.svd else None
        return weights

    def _no_term(self, texts: list[str], why: str) -> DataError:
        """Return what to say where the texts of known items give no term."""
        p = self.params
        return DataError(
            f"no term is left of the catalogue's {self._named()}: {sum(map(bool, texts))} of {len(texts)} "
            f"known items have a text there, min_df = {p.min_df}, max_df = {p.max_df}, stop_words = {p.stop_words!r} "
            f"({why}). Choose other `columns`, lower `min_df`, raise `max_df`, or drop `stop_words`."
        )

    def _named(self) -> str:
        """Return the columns as a message names them."""
        return ", ".join(map(repr, self.params.columns))

    def _axes(self, weights: csr_matrix) -> Tensor:
        """Return the first right singular vectors, `[terms, svd]`; the same ones whatever the run's seed."""
        most = min(weights.shape)
        if self.params.svd > most:
            raise DataError(
                f"svd = {self.params.svd} asks for more columns than {weights.shape[0]:,} known items with {weights.shape[1]:,} terms "
                f"can give: set svd = {most} or less"
            )
        return torch.from_numpy(TruncatedSVD(self.params.svd, random_state=0).fit(weights).components_.T.copy())

    def _vectors(self, texts: list[str]) -> csr_matrix:
        """Return the vectors of texts under what was learned, `[texts, terms]`."""
        return self._weigh(self._counter(vocabulary=self.terms).transform(texts), learn=False)

    def _features(self, weights: csr_matrix) -> ItemFeatures:
        """Return vectors as item features."""
        if self.axes is not None:
            dense = torch.from_numpy(weights @ self.axes.numpy())
            return ItemFeatures(dense, tuple(f"svd {i}" for i in range(self.axes.shape[1])))
        names = self.terms or [f"hash {i}" for i in range(weights.shape[1])]
        return ItemFeatures.of_sparse(csr_matrix(weights), tuple(names))

    def _counter(self, **options: Any) -> CountVectorizer | HashingVectorizer:
        """Return scikit-learn's vectorizer for the parameters; one that hashes has no vocabulary."""
        p = self.params
        options |= {"ngram_range": p.ngrams, "analyzer": p.analyzer, "stop_words": p.stop_words, "dtype": np.float32}
        if p.hashing:
            options.pop("vocabulary", None)
            return HashingVectorizer(n_features=p.hashing, norm=None, alternate_sign=False, **options)
        return CountVectorizer(**options)


class BagOfWords(_TermVectors[BagOfWordsParams]):
    """Counts how often each term of the known items' texts occurs in an item's text, as scikit-learn's `CountVectorizer` does.

    A frequent word counts as much as a rare one, which `content-knn`, comparing by cosine, takes as it is (`tf-idf` is mostly
    better there), and a network weighs by what it learns. `analyzer` and `ngrams` make terms of runs of words, or of
    characters for languages without spaces and for typing errors; `min_df = 2` leaves out the words of a single item.

    It needs a column of texts. Each text is read once: seconds for 100,000 items. Features are sparse and as wide as there are
    terms, `hashing` bounds that, `svd` makes them dense and narrow; terms come from the items in training alone. An item
    without a text, or without a known term, has a vector of zeros.
    """

    def _weigh(self, counts: csr_matrix, *, learn: bool) -> csr_matrix:
        """Return the counts as they are."""
        return counts


class TfIdf(_TermVectors[TfIdfParams]):
    """Weighs counts by ln((1 + n) / (1 + df)) + 1 and scales each vector to length 1, as scikit-learn's `TfidfVectorizer` does.

    `n` items are in training, `df` of them have the term. The featurizer to begin with, and under `content-knn` hard to beat
    for short titles. `analyzer` and `ngrams` make terms of runs of words, or of characters for languages without spaces and
    for typing errors; `min_df = 2` leaves out the words of a single item; `sublinear_tf` is for long texts, whose words repeat.

    It needs a column of texts. Each text is read once: seconds for 100,000 items. Features are sparse and as wide as there are
    terms, `hashing` bounds that, `svd` makes them dense and narrow; terms and weights come from the items in training alone.
    An item without a text, or without a known term, has a vector of zeros.
    """

    fitted = ("terms", "axes", "idf")
    idf: Tensor
    """The weight of each term, `[terms]`."""

    def _weigh(self, counts: csr_matrix, *, learn: bool) -> csr_matrix:
        """Return the weights; first count in how many known items each term occurs, where these are they."""
        transformer = TfidfTransformer(sublinear_tf=self.params.sublinear_tf)
        if learn:
            self.idf = torch.from_numpy(transformer.fit(counts).idf_)
        else:
            transformer.idf_ = self.idf.numpy()
        return transformer.transform(counts)


def _of(texts: list[str], chosen: NDArray[np.bool_]) -> list[str]:
    """Return some of the texts, `[texts]` bool."""
    return [texts[i] for i in np.flatnonzero(chosen)]
