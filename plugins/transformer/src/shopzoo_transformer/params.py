"""Parameters of the components; importing this module imports no torch."""

from __future__ import annotations

from pydantic import model_validator

from zoo.api import Field, NeuralParams


class SASRecParams(NeuralParams):
    """Parameters of `sasrec`."""

    blocks: int = Field(2, ge=0)
    """Transformer blocks; 0 reads the last item only."""
    heads: int = Field(1, ge=1)
    """Attention heads; `dim` is divided among them."""

    @model_validator(mode="after")
    def _heads_divide_dim(self) -> SASRecParams:
        """Refuse heads that do not divide the width."""
        if self.dim % self.heads:
            raise ValueError(f"expected `heads` to divide `dim`, found heads = {self.heads} and dim = {self.dim}.")
        return self
