"""Parameters of the text components; importing them imports no torch and no scikit-learn."""

from typing import Annotated, Literal

from pydantic import model_validator

from zoo.api import Field, Params

Documents = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, le=1)]


class BagOfWordsParams(Params):
    """How texts become terms; scikit-learn's `CountVectorizer`."""

    columns: list[str] = Field(["title"], min_length=1)
    """Text columns of the catalogue, joined by a space."""
    ngrams: tuple[int, int] = (1, 1)
    """Shortest and longest run of words (or characters) that is a term."""
    analyzer: Literal["word", "char", "char_wb"] = "word"
    """What a term consists of: words (of two or more letters or digits), characters, or characters within words."""
    min_df: Documents = 1
    """Drop terms in fewer known items: a number of items, or, as a decimal fraction, a share of them."""
    max_df: Documents = 1.0
    """Drop terms in more known items: a number of items, or, as a decimal fraction, a share of them."""
    stop_words: Literal["english"] | list[str] | None = None
    """Words to leave out: your own, or scikit-learn's English ones."""
    max_features: int | None = Field(None, ge=1)
    """Keep this many terms, those that occur most often."""
    hashing: int | None = Field(None, ge=1, lt=2**31)
    """Hash the terms into this many columns (`262144`) instead of keeping a list of them: for vocabularies too large to keep."""
    svd: int | None = Field(None, ge=1)
    """Project onto this many singular vectors of the known items (latent semantic analysis): dense features, a few hundred wide."""

    @model_validator(mode="after")
    def _hashing_keeps_no_terms(self) -> "BagOfWordsParams":
        """Refuse what chooses among terms where none are kept."""
        choosing = {"min_df": 1, "max_df": 1.0, "max_features": None}
        set_here = [f"{k} = {getattr(self, k)}" for k, usual in choosing.items() if getattr(self, k) != usual]
        if self.hashing is not None and set_here:
            raise ValueError(
                f"hashing keeps no list of terms to choose from, found {', '.join(set_here)}: leave this out, or leave out hashing"
            )
        return self

    @model_validator(mode="after")
    def _some_terms_are_left(self) -> "BagOfWordsParams":
        """Refuse bounds between which no number of items lies."""
        if type(self.min_df) is type(self.max_df) and self.min_df > self.max_df:
            raise ValueError(
                f"no term is in {self.min_df} or more and in {self.max_df} or fewer: lower min_df, or raise max_df"
            )
        return self

    @model_validator(mode="after")
    def _stop_words_are_words(self) -> "BagOfWordsParams":
        """Refuse stop words where terms are characters."""
        if self.stop_words is not None and self.analyzer != "word":
            raise ValueError(f'stop_words need analyzer = "word", found {self.analyzer!r}: leave one of them out')
        return self

    @model_validator(mode="after")
    def _ngrams_ascend(self) -> "BagOfWordsParams":
        """Refuse a range without a run."""
        if not 1 <= self.ngrams[0] <= self.ngrams[1]:
            raise ValueError(
                f"ngrams must be [shortest, longest] with 1 <= shortest <= longest, found {list(self.ngrams)}"
            )
        return self


class TfIdfParams(BagOfWordsParams):
    """How texts become weighted terms; scikit-learn's `TfidfVectorizer`."""

    sublinear_tf: bool = False
    """Whether a term that occurs n times in a text counts 1 + ln(n) instead of n."""


class ContentKNNParams(Params):
    """How a history becomes a profile."""

    history: int | None = Field(None, ge=1)
    """How many of the last events make the profile; all by default."""
    recency: float = Field(0.9, gt=0, le=1)
    """What an event counts for each event that came after it."""
    temperature: float | None = Field(None, ge=0.02)
    """How near an item has to be to an event of the history to count; by default it is compared with their mean."""
