"""Parameters of the components; importing this module imports no torch."""

from zoo.api import Field, NeuralParams, NeuralTextParams


class GRU4RecParams(NeuralParams):
    """Parameters of `gru4rec`."""

    layers: int = Field(1, ge=1)
    """Recurrent layers, one upon the other."""
    item_dropout: float = Field(0.2, ge=0, lt=1)
    """Share of the item vectors' entries that is dropped in training, before the first layer; `dropout` acts after each layer."""


class NARMParams(NeuralParams):
    """Parameters of `narm`."""

    item_dropout: float = Field(0.25, ge=0, lt=1)
    """Share of the item vectors' entries that is dropped in training, before the recurrent layer."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the entries of a position's two vectors, its state and its attentive sum, that is dropped in training."""


class TextRNNParams(NeuralTextParams):
    """Parameters of `text-rnn`."""

    word_dim: int = Field(64, ge=1)
    """Width of a token's vector."""
    state_dim: int = Field(64, ge=1)
    """Width of a direction's state."""
