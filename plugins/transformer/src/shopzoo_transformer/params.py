"""Parameters of the components; importing this module imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import ValidationInfo, field_validator, model_validator

from zoo.api import Field, NeuralParams, NeuralTextParams, Params

PACKAGE = "package:"
"""How a model begins that is a folder within an installed package."""


class AttentionParams(NeuralParams):
    """What all Transformers have."""

    blocks: int = Field(2, ge=1)
    """Layers of attention, one upon the other."""
    heads: int = Field(1, ge=1)
    """Attention heads; `dim` is divided among them."""

    @model_validator(mode="after")
    def _heads_divide_dim(self) -> Self:
        """Refuse heads that do not divide the width."""
        if self.dim % self.heads:
            raise ValueError(f"expected `heads` to divide `dim`, found heads = {self.heads} and dim = {self.dim}.")
        return self


class SASRecParams(AttentionParams):
    """Parameters of `sasrec`."""

    blocks: int = Field(2, ge=0)
    """Transformer blocks; 0 reads the last item only."""


class HSTUParams(AttentionParams):
    """Parameters of `hstu`."""

    time: bool = True
    """Whether it counts how long ago an event was; without it, only the order of events is read, and no clock is needed."""


class BERT4RecParams(AttentionParams):
    """Parameters of `bert4rec`."""

    length: int = Field(50, ge=2)
    """Positions that are read: in training the latest events, afterwards the latest but one and the hidden next one."""
    heads: int = Field(2, ge=1)
    """Attention heads; `dim` is divided among them."""
    mask_rate: float = Field(0.2, gt=0, lt=1)
    """Share of the items that is hidden in training; at least one in each sequence."""
    last_share: float = Field(0.2, ge=0, le=1)
    """Share of the training sequences in which only the last item is hidden, as it is when the next one is asked for."""


class TextTransformerParams(NeuralTextParams):
    """Parameters of `text-transformer`."""

    blocks: int = Field(1, ge=1)
    """Layers of attention, one upon the other."""
    heads: int = Field(2, ge=1)
    """Attention heads; `text_dim` is divided among them."""

    @model_validator(mode="after")
    def _heads_divide_dim(self) -> Self:
        """Refuse heads that do not divide the width."""
        if self.text_dim % self.heads:
            raise ValueError(
                f"expected `heads` to divide `text_dim`, found heads = {self.heads} and text_dim = {self.text_dim}."
            )
        return self


class SentenceEncoderParams(Params):
    """Parameters of `sentence-encoder`."""

    model: str = Field(min_length=1)
    """The folder of the model, relative to the experiment file; or a folder within an installed package, `package:NAME/FOLDER`."""
    columns: list[str] = Field(["title"], min_length=1)
    """Text columns of the catalogue, joined by a space."""
    prompt: str | None = None
    """What to put before each text, where the model was trained with such a thing (`"passage: "`); its own default by default."""
    text_length: int | None = Field(None, ge=1)
    """Tokens of a text that are read, the first ones; as many as the model reads by default."""
    batch_size: int = Field(64, ge=1)
    """Texts that are encoded at once, those of like length together."""

    @field_validator("model")
    @classmethod
    def _from_the_experiment_file(cls, model: str, info: ValidationInfo) -> Any:
        """Start a relative path from the experiment file's folder; a package is named by its name alone."""
        if not model.startswith(PACKAGE):
            return str(((info.context or {}).get("base", Path()) / Path(model).expanduser()).absolute())
        name = model.removeprefix(PACKAGE).partition("/")[0]
        if not name.isidentifier():
            raise ValueError(f"expected `{PACKAGE}NAME/FOLDER` with the name of a package, found {model!r}")
        return model
