"""`[model.resources]`: what a run of a model needs of a machine."""

from __future__ import annotations

from pydantic import Field, field_validator

from zoo.params import StrictTable


class Resources(StrictTable):
    """`[model.resources]`: what an executor of a cluster reserves for a run of the model. No figure depends on it."""

    cpus: float | None = Field(None, gt=0, le=4096)
    """Processor cores; as many as the run has threads by default."""
    gpus: float = Field(0.0, ge=0, le=64)
    """Graphics cards; a share such as 0.5 lets two runs use one card."""
    memory: float | None = Field(None, gt=0, le=1_000_000)
    """Memory in GiB; not reserved by default."""

    @field_validator("gpus")
    @classmethod
    def _whole_or_a_share(cls, value: float) -> float:
        """Refuse what cannot be reserved: more than one card, and not whole."""
        if value > 1 and value != int(value):
            raise ValueError(f"expected a share of one card, or a whole number of cards, found {value:g}.")
        return value
