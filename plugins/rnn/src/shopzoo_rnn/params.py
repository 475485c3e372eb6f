"""Parameters of the components; importing this module imports no torch."""

from zoo.api import Field, NeuralParams, NeuralTextParams


class GRU4RecParams(NeuralParams):
    """Parameters of `gru4rec`."""

    layers: int = Field(1, ge=1)
    """Number of stacked recurrent layers."""
    item_dropout: float = Field(0.2, ge=0, lt=1)
    """Dropout rate on item vectors, before the first layer; `dropout` applies after each layer."""


class NARMParams(NeuralParams):
    """Parameters of `narm`."""

    item_dropout: float = Field(0.25, ge=0, lt=1)
    """Dropout rate on item vectors, before the recurrent layer."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Dropout rate on the two vectors of a position, its state and its attention sum."""


class TextRNNParams(NeuralTextParams):
    """Parameters of `text-rnn`."""

    word_dim: int = Field(64, ge=1)
    """Width of a token embedding."""
    state_dim: int = Field(64, ge=1)
    """Width of the state of each direction."""
