"""Parameters of the components; importing this module imports no torch."""

from typing import ClassVar

from zoo.api import Field, NeuralParams, NeuralTextParams, choice, float_range, int_range


class GRU4RecParams(NeuralParams):
    """Parameters of `gru4rec`."""

    layers: int = Field(1, ge=1, le=1_000, tune=int_range(1, 2))
    """Number of stacked recurrent layers."""
    by_data: ClassVar[tuple[str, ...]] = ("dropout", "item_dropout")

    item_dropout: float | None = Field(None, ge=0, lt=1, tune=float_range(0.0, 0.7, unset=True))
    """Dropout rate on item vectors, before the first layer; `dropout` applies after each layer. By default by the amount of data, like `dropout`."""


class NARMParams(NeuralParams):
    """Parameters of `narm`."""

    by_data: ClassVar[tuple[str, ...]] = ("dropout", "item_dropout")

    item_dropout: float | None = Field(None, ge=0, lt=1, tune=float_range(0.0, 0.7, unset=True))
    """Dropout rate on item vectors, before the recurrent layer. By default by the amount of data, like `dropout`."""
    dropout: float | None = Field(None, ge=0, lt=1, tune=float_range(0.0, 0.7, unset=True))
    """Dropout rate on the two vectors of a position, its state and its attention sum. By default by the amount of data: 0.6 for up to 16 events per item, 0.1 less for each doubling, at least 0.1."""


class TextRNNParams(NeuralTextParams):
    """Parameters of `text-rnn`."""

    word_dim: int = Field(64, ge=1, le=65_536, tune=choice(32, 64, 128))
    """Width of a token embedding."""
    state_dim: int = Field(64, ge=1, le=65_536, tune=choice(32, 64, 128))
    """Width of the state of each direction."""
