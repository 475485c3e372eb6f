"""Parameters of the components; importing this module imports no torch."""

from typing import Annotated

from zoo.api import Field, NeuralParams, NeuralTextParams


class CaserParams(NeuralParams):
    """Parameters of `caser`."""

    window: int = Field(5, ge=1)
    """The items that one vector is made of: the last ones."""
    horizontal: int = Field(16, ge=1)
    """Filters of each height from 1 to `window`, as wide as the item vectors: they find runs of items."""
    vertical: int = Field(4, ge=1)
    """Filters along the window, shared by the entries of the item vectors: weighted sums of the items."""
    user_vectors: bool = False
    """Whether each user of training has a vector, added to that of the window; a user outside training adds nothing."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of what the filters give that is dropped in training."""


class NextItNetParams(NeuralParams):
    """Parameters of `nextitnet`."""

    blocks: int = Field(1, ge=1)
    """How often the sequence of `dilations` is gone through."""
    dilations: list[Annotated[int, Field(ge=1)]] = Field([1, 4], min_length=1)
    """A residual block for each: the step between the items that its first convolution reads; its second takes twice that."""
    kernel: int = Field(3, ge=2)
    """The items that a convolution reads."""


class ConvTwoTowerParams(NeuralParams):
    """Parameters of `conv-two-tower`."""

    kernel: int = Field(3, ge=1)
    """The items of a history that a filter reads, one after the other."""
    filters: int = Field(128, ge=1)
    """Filters of the user tower."""


class TextCNNParams(NeuralTextParams):
    """Parameters of `text-cnn`."""

    widths: list[Annotated[int, Field(ge=1)]] = Field([1, 2, 3], min_length=1)
    """Tokens that a filter reads; a set of filters for each."""
    filters: int = Field(128, ge=1)
    """Filters of each width."""
    word_dim: int = Field(64, ge=1)
    """Width of a token's vector."""
