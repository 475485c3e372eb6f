"""Parameters of the components; importing this module imports no torch."""

from typing import Annotated

from zoo.api import Field, NeuralParams, NeuralTextParams, choice, float_range, int_range


class CaserParams(NeuralParams):
    """Parameters of `caser`."""

    window: int = Field(5, ge=1, le=100_000, tune=int_range(2, 8))
    """Number of last items in the window of a position."""
    horizontal: int = Field(16, ge=1, le=65_536, tune=choice(8, 16, 32))
    """Number of horizontal filters for each height from 1 to `window`; they span the item vectors and detect runs of items."""
    vertical: int = Field(4, ge=1, le=65_536, tune=choice(2, 4, 8))
    """Number of vertical filters, which are weighted sums of the items in the window."""
    user_vectors: bool = False
    """Add an embedding of the user to the window vector; a user outside training has none."""
    dropout: float = Field(0.5, ge=0, lt=1, tune=float_range(0.0, 0.7))
    """Dropout rate on the outputs of the filters."""


class NextItNetParams(NeuralParams):
    """Parameters of `nextitnet`."""

    blocks: int = Field(1, ge=1, le=1_000, tune=int_range(1, 2))
    """Number of repetitions of the sequence of `dilations`."""
    dilations: list[Annotated[int, Field(ge=1, le=1_000)]] = Field([1, 4], min_length=1, tune=choice((1, 4), (1, 2, 4)))
    """Dilation of the first convolution of each residual block; the second convolution has twice that."""
    kernel: int = Field(3, ge=2, le=100_000, tune=choice(2, 3, 5))
    """Kernel size of the convolutions."""


class ConvTwoTowerParams(NeuralParams):
    """Parameters of `conv-two-tower`."""

    kernel: int = Field(3, ge=1, le=100_000, tune=choice(1, 3, 5))
    """Kernel size of the convolution over the history."""
    filters: int = Field(128, ge=1, le=65_536, tune=choice(64, 128, 256))
    """Number of filters of the user tower."""


class TextCNNParams(NeuralTextParams):
    """Parameters of `text-cnn`."""

    widths: list[Annotated[int, Field(ge=1, le=100_000)]] = Field(
        [1, 2, 3], min_length=1, tune=choice((1, 2), (1, 2, 3), (2, 3, 4))
    )
    """Kernel sizes in tokens; there is a set of filters for each."""
    filters: int = Field(128, ge=1, le=65_536, tune=choice(64, 128, 256))
    """Number of filters of each width."""
    word_dim: int = Field(64, ge=1, le=65_536, tune=choice(32, 64, 128))
    """Width of a token embedding."""
