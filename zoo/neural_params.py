"""Parameters that all networks of a stage have: neural predictors, text encoders and rankers."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from zoo.losses import LOSSES, LossSpec
from zoo.params import Params


def _known_losses(info: ValidationInfo) -> Mapping[str, LossSpec] | None:
    """Return the losses that may be named: the core's, and where a registry validates those of plugins; None for any."""
    context: Mapping[str, Any] = info.context or {}
    losses: Mapping[str, LossSpec] | None = context.get("losses", LOSSES)
    return losses


def _check_loss(name: str, info: ValidationInfo) -> str:
    """Refuse a loss that nobody provides, in the words of a literal."""
    known = _known_losses(info)
    if known is not None and name not in known:
        *most, last = map(repr, known)
        expected = f"{', '.join(most)} or {last}"
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
    return name


LossName = Annotated[str, AfterValidator(_check_loss), WithJsonSchema({"enum": list(LOSSES), "type": "string"})]
"""The name of a loss: of the core's `LOSSES`, or of one that an installed plugin brings by `zoo_losses`."""


class NeuralParams(Params):
    """What every neural predictor has: its widths, and how its item vectors are trained against each other."""

    dim: int = Field(64, ge=1)
    """Width D of the vectors."""
    length: int = Field(50, ge=1)
    """The latest events of a history that are read."""
    dropout: float = Field(0.2, ge=0, lt=1)
    """Share of the activations that is dropped in training."""
    loss: LossName = "softmax"
    """How the next item is set against the others: all of them (`softmax`), or a sample."""
    negatives: int = Field(256, ge=1)
    """Items that a sampled loss draws for each batch."""
    negative_sampling: Literal["uniform", "popularity", "in-batch"] = "uniform"
    """How they are drawn; `in-batch` takes the batch's own targets."""
    logq: bool = True
    """Whether `sampled-softmax` corrects for how often an item is drawn."""
    temperature: float = Field(1.0, gt=0)
    """Divides the scores of `softmax` and `sampled-softmax`."""
    ids: bool = True
    """Whether each item of training has a vector of its own, beside what a featurizer says of it; false needs a `featurizer`."""
    sparse_updates: bool = False
    """Whether a step updates only the item vectors of its batch; for catalogues of 100,000 items and more, under a sampled loss."""

    @model_validator(mode="after")
    def _every_item_has_a_gradient(self, info: ValidationInfo) -> Self:
        """Refuse sparse updates where every item has a gradient."""
        spec = (_known_losses(info) or {}).get(self.loss)
        if self.sparse_updates and spec is not None and not spec.sampled:
            raise ValueError(
                f'expected a sampled loss with `sparse_updates`, found loss = "{self.loss}", which touches every item: '
                'set loss = "sampled-softmax", or sparse_updates = false.'
            )
        return self


class NeuralTextParams(Params):
    """What every neural text encoder has: what it reads, and how it learns from items that were taken together."""

    columns: list[str] = Field(["title"], min_length=1)
    """Text columns of the catalogue, joined by a space."""
    tokens: int = Field(8000, ge=3)
    """Pieces of words that are learned from the catalogue, at most."""
    text_length: int = Field(64, ge=1)
    """Tokens of a text that are read, the first ones."""
    text_dim: int = Field(64, ge=1)
    """Width of the vector of a text."""
    dropout: float = Field(0.2, ge=0, lt=1)
    """Share of the activations that is dropped in training."""
    window: int = Field(5, ge=1)
    """How many events apart in a history two items may be to count as taken together."""
    epoch_pairs: int = Field(100_000, ge=1)
    """Pairs of items in an epoch, at most."""
    temperature: float = Field(0.1, gt=0)
    """Divides the cosines before the softmax."""
    logq: bool = True
    """Whether a candidate's score is corrected for how often the item is in a batch."""


MOVED = ("max_epochs", "patience", "batch_size", "learning_rate", "weight_decay")
"""Settings of training that were parameters of neural rankers in plugin API 1; now keys of `[model.ranker_train]`."""


class NeuralRankerParams(Params):
    """What every neural ranker has: its scorer, and what that reads."""

    scorer: Literal["mlp", "set-attention"] = "mlp"
    """What gives a candidate its score: its own features (`mlp`), or those of its whole list (`set-attention`)."""
    inputs: Literal["values", "ranks", "both"] = "both"
    """What is read of a feature: its standardised value, its rank in the list, or both."""
    dim: int = Field(64, ge=1)
    """Width of the hidden layers."""
    blocks: int = Field(2, ge=0)
    """Hidden layers, or blocks of self-attention."""
    heads: int = Field(2, ge=1)
    """Attention heads; `dim` is a multiple of them."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the activations that is dropped in training."""
    cutoff: int = Field(10, ge=1)
    """The K of the NDCG@K by which the number of epochs is chosen."""
    held_out: float = Field(0.2, gt=0, lt=1)
    """Share of the lists that chooses the number of epochs, where the data have no validation lists."""

    @model_validator(mode="before")
    @classmethod
    def _training_is_set_elsewhere(cls, value: Any) -> Any:
        """Refuse settings of training, which were parameters of neural rankers before."""
        moved = [key for key in MOVED if isinstance(value, dict) and key in value and key not in cls.model_fields]
        if moved:
            them = "it" if len(moved) == 1 else "them"
            raise ValueError(
                f"{', '.join(moved)}: how rankers are trained is set for all rankers of a model. Move {them} to "
                "[model.ranker_train]."
            )
        return value

    def training(self) -> dict[str, Any]:
        """Return the settings of training among the parameters: of plugins of API 1, others have none."""
        return {name: value for name, value in self if name in MOVED}

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        """Refuse heads among which the width cannot be divided."""
        if self.scorer == "set-attention" and self.dim % self.heads:
            raise ValueError(
                f"expected `dim` to be a multiple of `heads`, found dim = {self.dim}, heads = {self.heads}."
            )
        return self
