"""Parameters of the components; importing this module imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import ValidationInfo, field_validator, model_validator

from zoo.api import DataSize, Field, NeuralParams, NeuralTextParams, Params, choice, float_range, int_range

PACKAGE = "package:"
"""The prefix of a model in a folder of an installed package."""


class AttentionParams(NeuralParams):
    """Parameters that all Transformers share."""

    blocks: int = Field(2, ge=1, le=1_000, tune=int_range(1, 3))
    """Number of attention layers."""
    heads: int = Field(1, ge=1, le=1_000, tune=choice(1, 2, 4))
    """Number of attention heads; must divide `dim`."""

    def layers_in_work(self) -> int:
        """Return the number of blocks."""
        return self.blocks

    @model_validator(mode="after")
    def _heads_divide_dim(self) -> Self:
        """Reject a number of heads that does not divide the width."""
        if self.dim % self.heads:
            raise ValueError(f"expected `heads` to divide `dim`, found heads = {self.heads} and dim = {self.dim}.")
        return self


class SASRecParams(AttentionParams):
    """Parameters of `sasrec`."""

    blocks: int = Field(2, ge=0, le=1_000, tune=int_range(1, 3))
    """Number of Transformer blocks; with 0 the model reads only the last item."""


class HSTUParams(AttentionParams):
    """Parameters of `hstu`."""

    time: bool = Field(True, tune=choice(True, False))
    """Read the age of events; without it, the model reads only their order and needs no real times."""


class BERT4RecParams(AttentionParams):
    """Parameters of `bert4rec`."""

    length: int = Field(50, ge=2, le=100_000)
    """Number of positions: in training the last `length` events, in inference the last `length` - 1 events and the masked next one."""
    heads: int = Field(2, ge=1, le=1_000, tune=choice(1, 2, 4))
    """Number of attention heads; must divide `dim`."""
    mask_rate: float = Field(0.2, gt=0, lt=1, tune=float_range(0.1, 0.6))
    """Share of the items that is masked in training; at least one per sequence."""
    last_share: float = Field(0.2, ge=0, le=1, tune=float_range(0.0, 0.5))
    """Share of the training sequences in which only the last item is masked, as in inference."""

    def scored_items(self, size: DataSize) -> int:
        """Return how many items the loss scores at each position, on average: it scores at masked positions only."""
        return round(self.mask_rate * super().scored_items(size))


class TextTransformerParams(NeuralTextParams):
    """Parameters of `text-transformer`."""

    blocks: int = Field(1, ge=1, le=1_000, tune=int_range(1, 2))
    """Number of attention layers."""
    heads: int = Field(2, ge=1, le=1_000, tune=choice(1, 2, 4))
    """Number of attention heads; must divide `text_dim`."""

    @model_validator(mode="after")
    def _heads_divide_dim(self) -> Self:
        """Reject a number of heads that does not divide the width."""
        if self.text_dim % self.heads:
            raise ValueError(
                f"expected `heads` to divide `text_dim`, found heads = {self.heads} and text_dim = {self.text_dim}."
            )
        return self


class SentenceEncoderParams(Params):
    """Parameters of `sentence-encoder`."""

    model: str = Field(min_length=1)
    """The folder of the model, relative to the experiment file; or `package:NAME/FOLDER` for a folder in an installed package."""
    columns: list[str] = Field(["title"], min_length=1)
    """Text columns of the catalogue, joined by a space."""
    prompt: str | None = None
    """Prefix of each text, for models trained with one (such as `"passage: "`); by default that of the model."""
    text_length: int | None = Field(None, ge=1, le=100_000)
    """Maximum number of tokens per text; by default that of the model."""
    batch_size: int = Field(64, ge=1, le=1_000_000)
    """Number of texts per batch; texts are sorted by length."""

    @field_validator("model")
    @classmethod
    def _from_the_experiment_file(cls, model: str, info: ValidationInfo) -> Any:
        """Resolve a relative path against the folder of the experiment file; check the name of a package."""
        if not model.startswith(PACKAGE):
            return str(((info.context or {}).get("base", Path()) / Path(model).expanduser()).absolute())
        name = model.removeprefix(PACKAGE).partition("/")[0]
        if not name.isidentifier():
            raise ValueError(f"expected `{PACKAGE}NAME/FOLDER` with the name of a package, found {model!r}")
        return model
