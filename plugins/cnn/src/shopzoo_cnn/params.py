"""Parameters of the components; importing this module imports no torch."""

from typing import Annotated

from zoo.api import Field, NeuralParams, NeuralTextParams


class CaserParams(NeuralParams):
    """Parameters of `caser`."""

    window: int = Field(5, ge=1, le=100_000)
    """Number of last items in the window of a position."""
    horizontal: int = Field(16, ge=1, le=65_536)
    """Number of horizontal filters for each height from 1 to `window`; they span the item vectors and detect runs of items."""
    vertical: int = Field(4, ge=1, le=65_536)
    """Number of vertical filters, which are weighted sums of the items in the window."""
    user_vectors: bool = False
    """Add an embedding of the user to the window vector; a user outside training has none."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Dropout rate on the outputs of the filters."""


class NextItNetParams(NeuralParams):
    """Parameters of `nextitnet`."""

    blocks: int = Field(1, ge=1, le=1_000)
    """Number of repetitions of the sequence of `dilations`."""
    dilations: list[Annotated[int, Field(ge=1, le=1_000)]] = Field([1, 4], min_length=1)
    """Dilation of the first convolution of each residual block; the second convolution has twice that."""
    kernel: int = Field(3, ge=2, le=100_000)
    """Kernel size of the convolutions."""


class ConvTwoTowerParams(NeuralParams):
    """Parameters of `conv-two-tower`."""

    kernel: int = Field(3, ge=1, le=100_000)
    """Kernel size of the convolution over the history."""
    filters: int = Field(128, ge=1, le=65_536)
    """Number of filters of the user tower."""


class TextCNNParams(NeuralTextParams):
    """Parameters of `text-cnn`."""

    widths: list[Annotated[int, Field(ge=1, le=100_000)]] = Field([1, 2, 3], min_length=1)
    """Kernel sizes in tokens; there is a set of filters for each."""
    filters: int = Field(128, ge=1, le=65_536)
    """Number of filters of each width."""
    word_dim: int = Field(64, ge=1, le=65_536)
    """Width of a token embedding."""
