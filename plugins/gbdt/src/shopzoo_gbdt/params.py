"""Parameters of the component; importing this module imports neither torch nor LightGBM."""

from zoo.api import Field, Params


class LambdaMARTParams(Params):
    """Parameters of `lambdamart`."""

    trees: int = Field(1000, ge=1)
    """The most trees."""
    patience: int = Field(50, ge=0)
    """Trees without a better NDCG on the lists to choose by after which no more are grown; 0 to grow all `trees`."""
    learning_rate: float = Field(0.05, gt=0)
    """What a tree counts for."""
    leaves: int = Field(15, ge=2)
    """The most leaves of a tree."""
    min_data: int = Field(20, ge=1)
    """The fewest candidates in a leaf."""
    feature_fraction: float = Field(1.0, gt=0, le=1)
    """Share of the features, drawn for each tree, that it may split by."""
    l2: float = Field(0.0, ge=0)
    """Draws the values of the leaves to zero."""
    truncation: int = Field(30, ge=1)
    """Pairs count of which one candidate stands among that many first ones; a little more than `cutoff`."""
    cutoff: int = Field(10, ge=1)
    """The K of the NDCG@K by which the number of trees is chosen."""
    held_out: float = Field(0.2, gt=0, lt=1)
    """Share of the lists that chooses the number of trees, where the data have no validation lists."""
