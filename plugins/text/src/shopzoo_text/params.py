"""Parameters of the text components; importing them imports no torch and no scikit-learn."""

from typing import Annotated, Literal

from pydantic import model_validator

from zoo.api import Field, Params, choice, float_range, log_range

Documents = Annotated[int, Field(ge=1, le=1_000_000_000)] | Annotated[float, Field(gt=0, le=1)]


class BagOfWordsParams(Params):
    """Extraction of terms from texts, as in scikit-learn's `CountVectorizer`."""

    columns: list[str] = Field(["title"], min_length=1)
    """Text columns of the catalogue, joined by a space."""
    ngrams: tuple[int, int] = Field((1, 1), tune=choice((1, 1), (1, 2)))
    """Minimum and maximum length of the n-grams (of words or characters) that are terms."""
    analyzer: Literal["word", "char", "char_wb"] = "word"
    """The unit of n-grams: words (of two or more letters or digits), characters, or characters within words."""
    min_df: Documents = Field(1, tune=choice(1, 2, when={"hashing": None}))
    """Drop terms that occur in fewer known items than this: a number of items, or a share of them as a decimal fraction."""
    max_df: Documents = 1.0
    """Drop terms that occur in more known items than this: a number of items, or a share of them as a decimal fraction."""
    stop_words: Literal["english"] | list[str] | None = None
    """Words to ignore: a list, or the English stop words of scikit-learn."""
    max_features: int | None = Field(None, ge=1, le=1_000_000_000)
    """Keep only this many terms, the most frequent ones."""
    hashing: int | None = Field(None, ge=1, le=2**24)
    """Hash the terms into this many columns (such as `262144`) instead of storing a vocabulary; for very large vocabularies."""
    svd: int | None = Field(None, ge=1, le=65_536)
    """Project onto this many singular vectors of the known items (latent semantic analysis), which gives dense features; a few hundred is usual."""

    @model_validator(mode="after")
    def _hashing_keeps_no_terms(self) -> "BagOfWordsParams":
        """Reject options that select terms together with hashing, which stores no terms."""
        choosing = {"min_df": 1, "max_df": 1.0, "max_features": None}
        set_here = [f"{k} = {getattr(self, k)}" for k, usual in choosing.items() if getattr(self, k) != usual]
        if self.hashing is not None and set_here:
            raise ValueError(
                f"hashing stores no terms to select from, found {', '.join(set_here)}: remove these options, or hashing"
            )
        return self

    @model_validator(mode="after")
    def _some_terms_are_left(self) -> "BagOfWordsParams":
        """Reject bounds that no term can satisfy."""
        if type(self.min_df) is type(self.max_df) and self.min_df > self.max_df:
            raise ValueError(
                f"no term is in {self.min_df} or more and in {self.max_df} or fewer: lower min_df, or raise max_df"
            )
        return self

    @model_validator(mode="after")
    def _stop_words_are_words(self) -> "BagOfWordsParams":
        """Reject stop words if terms are characters."""
        if self.stop_words is not None and self.analyzer != "word":
            raise ValueError(f'stop_words need analyzer = "word", found {self.analyzer!r}: remove one of them')
        return self

    @model_validator(mode="after")
    def _ngrams_ascend(self) -> "BagOfWordsParams":
        """Reject an empty range."""
        if not 1 <= self.ngrams[0] <= self.ngrams[1]:
            raise ValueError(
                f"ngrams must be [shortest, longest] with 1 <= shortest <= longest, found {list(self.ngrams)}"
            )
        return self


class TfIdfParams(BagOfWordsParams):
    """Extraction and weighting of terms, as in scikit-learn's `TfidfVectorizer`."""

    sublinear_tf: bool = Field(False, tune=choice(False, True))
    """Count a term that occurs n times in a text as 1 + ln(n) instead of n."""


class ContentKNNParams(Params):
    """Parameters of `content-knn`."""

    history: int | None = Field(None, ge=1, le=100_000, tune=choice(None, 1, 3, 10))
    """Number of last events that are compared; all by default."""
    recency: float = Field(0.9, gt=0, le=1, tune=float_range(0.5, 1.0))
    """Decay of an event's weight for each later event."""
    temperature: float | None = Field(None, ge=0.02, tune=log_range(0.02, 1.0, unset=True))
    """Temperature of the similarity to single events: lower values count only very similar events. By default items are compared with the mean of the history."""
