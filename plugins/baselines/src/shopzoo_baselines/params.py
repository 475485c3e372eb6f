"""Parameters of the baselines; importing them imports no torch."""

from typing import Annotated

from pydantic import model_validator

from zoo.api import Field, Params

HalfLife = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RandomParams(Params):
    """`random` has nothing to choose; the run's seed picks the scores."""


class PopularParams(Params):
    """What counts as popular."""

    half_life: HalfLife | None = None
    """Days after which an event counts half; all events count in full by default."""


class PersonalPopularParams(Params):
    """What counts as a habit."""

    half_life: HalfLife | None = None
    """Days after which an event of the user's history counts half; all count in full by default."""


class TransitionGraphParams(Params):
    """How transitions are counted and how a history votes."""

    window: int = Field(10, ge=1)
    """How many events further on a transition may lead; 1 counts consecutive events only (a Markov chain)."""
    history: int = Field(10, ge=1)
    """How many of the query's last events vote."""
    recency: float = Field(0.8, gt=0, le=1)
    """What a vote counts for each event that came after it."""


class TopPopularParams(Params):
    """How many items remain: `n` of them, or a share."""

    n: int | None = Field(None, ge=1)
    """Keep this many items."""
    share: float | None = Field(None, gt=0, le=1)
    """Keep this share of the items that occur in training."""
    half_life: HalfLife | None = None
    """Days after which an event counts half; all events count in full by default."""

    @model_validator(mode="after")
    def _one_of_two(self) -> "TopPopularParams":
        """Refuse none and both."""
        if (self.n is None) == (self.share is None):
            found = "neither" if self.n is None else f"n = {self.n} and share = {self.share}"
            raise ValueError(f"give either `n` or `share`, found {found}. E.g. n = 1000, or share = 0.2")
        return self


class MMRParams(Params):
    """How relevance is weighed against likeness."""

    relevance: float = Field(0.7, ge=0, le=1)
    """The weight of the predictor's score (lambda in the paper); the rest is the weight of being unlike what stands above."""


class BordaParams(Params):
    """Which rankings are fused."""

    columns: list[str] | None = Field(None, min_length=1)
    """Ranking features that vote, `-name` where the lower value is the better, `*` for any ending (`["score", "-rank*"]`). A
    pipeline's lists have `score`, the predictor's, and `rank`. By default all but `rank`, which is the order of `score` once more."""


class TabularParams(Params):
    """Which columns of the catalogue become features."""

    columns: list[str] = Field([])
    """Columns read by their type: numbers as `numeric`, others as `categorical`; where no list names any, those of `category`, `brand` and `price` that there are."""
    categorical: list[str] = Field([])
    """Columns of which each value becomes a feature of 0 or 1; a list column gives several."""
    numeric: list[str] = Field([])
    """Columns that are standardised, each with a feature that says where it is missing."""
    log: bool = True
    """Whether numbers are taken as sign(x) log(1 + |x|) first: prices and counts are skewed."""
    min_items: int = Field(1, ge=1)
    """Values that fewer known items have get no feature."""
    other: bool = False
    """Whether the values without a feature share one, `brand:other`; then some must be rare in training: `min_items` of 2 or more."""

    @model_validator(mode="after")
    def _a_column_once(self) -> "TabularParams":
        """Refuse a column that is named twice."""
        named = [*self.columns, *self.categorical, *self.numeric]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"{twice!r} is named twice among columns, categorical and numeric: remove it from one of them"
            )
        return self

    @model_validator(mode="after")
    def _other_has_examples(self) -> "TabularParams":
        """Refuse a shared feature that no item of training could have."""
        if self.other and self.min_items == 1:
            raise ValueError(
                "other = true needs min_items of 2 or more, found 1: no value of training would share the feature, so nothing could "
                "be learned of it"
            )
        return self

    @property
    def names_none(self) -> bool:
        """Return whether no list names a column."""
        return not (self.columns or self.categorical or self.numeric)
