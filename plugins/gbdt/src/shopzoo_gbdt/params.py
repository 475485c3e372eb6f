"""Parameters of the component; importing this module imports neither torch nor LightGBM."""

from zoo.api import Field, Params, choice, float_range, int_range, log_range


class LambdaMARTParams(Params):
    """Parameters of `lambdamart`."""

    trees: int = Field(1000, ge=1, le=1_000_000)
    """Maximum number of trees."""
    patience: int = Field(50, ge=0, le=1_000_000)
    """Number of trees without a better validation NDCG after which training stops; 0 to grow all `trees`."""
    learning_rate: float = Field(0.05, gt=0, tune=log_range(0.01, 0.3))
    """Learning rate: the factor on the output of each tree."""
    leaves: int = Field(15, ge=2, le=1_000_000, tune=int_range(4, 64, log=True))
    """Maximum number of leaves of a tree."""
    min_data: int = Field(20, ge=1, le=1_000_000_000, tune=int_range(5, 200, log=True))
    """Minimum number of candidates in a leaf."""
    feature_fraction: float = Field(1.0, gt=0, le=1, tune=float_range(0.4, 1.0))
    """Share of the features that is sampled for each tree."""
    l2: float = Field(0.0, ge=0, tune=choice(0.0, 0.1, 1.0, 10.0))
    """L2 regularization of the leaf values."""
    truncation: int = Field(30, ge=1, le=1_000_000)
    """Only pairs with a candidate in this many top ranks count; choose it slightly above `cutoff`."""
    cutoff: int = Field(10, ge=1, le=1_000_000)
    """The K of the validation metric NDCG@K, which chooses the number of trees."""
    held_out: float = Field(0.2, gt=0, lt=1)
    """Share of the lists to hold out for choosing the number of trees, if the data have no validation lists."""
