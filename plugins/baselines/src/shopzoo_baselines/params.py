"""Parameters of the baselines; importing them imports no torch."""

from typing import Annotated

from pydantic import model_validator

from zoo.api import Field, Params, choice, float_range, int_range, log_range

HalfLife = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RandomParams(Params):
    """`random` has no parameters; the scores depend on the seed of the run."""


class PopularParams(Params):
    """Parameters of `popular`."""

    half_life: HalfLife | None = Field(None, tune=log_range(1.0, 365.0, unset=True))
    """Days after which the weight of an event has halved; by default the weight does not decay."""


class PersonalPopularParams(Params):
    """Parameters of `personal-popular`."""

    half_life: HalfLife | None = Field(None, tune=log_range(1.0, 365.0, unset=True))
    """Days after which the weight of an event of the user's history has halved; by default the weight does not decay."""


class TransitionGraphParams(Params):
    """Parameters of `transition-graph`."""

    window: int = Field(10, ge=1, le=100_000, tune=int_range(1, 20))
    """Maximum distance of a transition, in events; 1 counts only consecutive events (a Markov chain). Events of one moment or basket count as one."""
    history: int = Field(10, ge=1, le=100_000, tune=int_range(1, 20))
    """Number of last events of the query that are scored; events of one moment or basket count as one."""
    recency: float = Field(0.8, gt=0, le=1, tune=float_range(0.3, 1.0))
    """Decay of an event's weight for each later event, or later moment or basket."""


class TopPopularParams(Params):
    """The number of items to keep: `n` of them, or a share."""

    n: int | None = Field(None, ge=1, le=1_000_000_000)
    """Keep this many items."""
    share: float | None = Field(None, gt=0, le=1)
    """Keep this share of the items that occur in training."""
    half_life: HalfLife | None = Field(None, tune=log_range(1.0, 365.0, unset=True))
    """Days after which the weight of an event has halved; by default the weight does not decay."""

    @model_validator(mode="after")
    def _one_of_two(self) -> "TopPopularParams":
        """Require exactly one of `n` and `share`."""
        if (self.n is None) == (self.share is None):
            found = "neither" if self.n is None else f"n = {self.n} and share = {self.share}"
            raise ValueError(f"give either `n` or `share`, found {found}. E.g. n = 1000, or share = 0.2")
        return self


class MMRParams(Params):
    """The trade-off between relevance and diversity."""

    relevance: float = Field(0.7, ge=0, le=1, tune=float_range(0.3, 1.0))
    """Weight of the predictor's score (lambda in the paper); similarity to the items above has the weight 1 - `relevance`."""


class BordaParams(Params):
    """The rankings to fuse."""

    columns: list[str] | None = Field(None, min_length=1)
    """Ranking features to fuse: `-name` if lower values are better, `*` as a wildcard (`["score", "-rank*"]`). The lists of a
    pipeline have the predictor's `score` and its `rank`. By default all features except `rank`, which is redundant with `score`."""


class TabularParams(Params):
    """The columns of the catalogue that become features."""

    columns: list[str] = Field([])
    """Columns to encode by type: numbers as `numeric`, others as `categorical`. If all three lists are empty, `category`, `brand` and `price` are used if present."""
    categorical: list[str] = Field([])
    """Columns to one-hot encode; a list column sets several features."""
    numeric: list[str] = Field([])
    """Columns to standardise; each also gets a feature that marks missing values."""
    log: bool = Field(True, tune=choice(True, False))
    """Transform numbers by sign(x) log(1 + |x|) before standardising, since prices and counts are skewed."""
    min_items: int = Field(1, ge=1, le=1_000_000_000, tune=choice(1, 2, 5))
    """Minimum number of known items with a value; rarer values get no feature."""
    other: bool = False
    """Give the values without a feature a shared one, such as `brand:other`; requires `min_items` of 2 or more."""

    @model_validator(mode="after")
    def _a_column_once(self) -> "TabularParams":
        """Reject a column that is named twice."""
        named = [*self.columns, *self.categorical, *self.numeric]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"{twice!r} is named twice among columns, categorical and numeric: remove it from one of them"
            )
        return self

    @model_validator(mode="after")
    def _other_has_examples(self) -> "TabularParams":
        """Reject a shared feature that no training item could have."""
        if self.other and self.min_items == 1:
            raise ValueError(
                "other = true needs min_items of 2 or more, found 1: no training item would have the shared feature, so a model "
                "could not learn from it"
            )
        return self

    @property
    def names_none(self) -> bool:
        """Return whether all lists of columns are empty."""
        return not (self.columns or self.categorical or self.numeric)
