"""Bag of words and tf-idf: scikit-learn's vectorizers, fitted on known items, saved as a list of terms and a tensor."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeVar

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from torch import Tensor

from shopzoo_text.params import BagOfWordsParams, TfIdfParams
from zoo.api import Catalogue, DataError, Featurizer, ItemFeatures, RunContext, TrainingData

T = TypeVar("T", bound=BagOfWordsParams)


class _TermVectors(Featurizer[T]):
    """What both featurizers share: texts in, sparse term vectors out."""

    fitted: ClassVar[tuple[str, ...]] = ("terms",)
    terms: list[str]

    def transform(self, catalogue: Catalogue) -> ItemFeatures:
        """Return the term vectors of all items, `[I, D]` sparse; an item without text has an empty one."""
        matrix = self._vectors(catalogue.texts(self.params.columns))
        return ItemFeatures.of_sparse(csr_matrix(matrix), tuple(self.terms))

    @abstractmethod
    def _vectors(self, texts: list[str]) -> csr_matrix:
        """Return the vectors of texts under the fitted terms."""

    def _options(self) -> dict[str, object]:
        """Return the arguments that both vectorizers of scikit-learn take."""
        p = self.params
        return {"ngram_range": p.ngrams, "analyzer": p.analyzer, "stop_words": p.stop_words, "dtype": np.float32}

    def _fit(self, vectorizer: CountVectorizer, data: TrainingData) -> None:
        """Fit on the texts of known items, and keep the terms.

        Raises:
            DataError: No term is left.
        """
        p = self.params
        texts = [t for t, known in zip(data.catalogue.texts(p.columns), data.known, strict=True) if known]
        try:
            vectorizer.set_params(min_df=p.min_df, max_df=p.max_df, max_features=p.max_features).fit(texts)
        except ValueError as error:
            raise DataError(
                f"no term is left of the catalogue's {', '.join(map(repr, p.columns))}: {sum(map(bool, texts))} of {len(texts)} "
                f"known items have a text there, min_df = {p.min_df}, max_df = {p.max_df}, stop_words = {p.stop_words!r} "
                f"({error}). Choose other `columns`, lower `min_df`, raise `max_df`, or drop `stop_words`."
            ) from error
        self.terms = vectorizer.get_feature_names_out().tolist()


class BagOfWords(_TermVectors[BagOfWordsParams]):
    """Counts how often each term of the known items' texts occurs in an item's text."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Collect the terms."""
        self._fit(CountVectorizer(**self._options()), data)

    def _vectors(self, texts: list[str]) -> csr_matrix:
        """Return the counts."""
        return CountVectorizer(**self._options(), vocabulary=self.terms).transform(texts)


class TfIdf(_TermVectors[TfIdfParams]):
    """Weighs counts by ln((1 + n) / (1 + df)) + 1 and scales each vector to length 1, as scikit-learn does by default."""

    fitted = ("terms", "idf")
    idf: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Collect the terms, and count in how many known items each occurs."""
        vectorizer = TfidfVectorizer(**self._options(), sublinear_tf=self.params.sublinear_tf)
        self._fit(vectorizer, data)
        self.idf = torch.from_numpy(vectorizer.idf_)

    def _vectors(self, texts: list[str]) -> csr_matrix:
        """Return the weights."""
        vectorizer = TfidfVectorizer(**self._options(), vocabulary=self.terms, sublinear_tf=self.params.sublinear_tf)
        vectorizer.idf_ = self.idf.numpy()
        return vectorizer.transform(texts)
