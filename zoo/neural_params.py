"""Parameters shared by all neural predictors, all neural text encoders and all neural rankers."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from zoo.data_size import DataSize
from zoo.loss_specs import LOSSES, LossSpec
from zoo.params import Params
from zoo.sampler_specs import SAMPLERS
from zoo.search_space import Field, choice, float_range, int_range, log_range


def _known_losses(info: ValidationInfo) -> Mapping[str, LossSpec] | None:
    """Return the allowed losses: those of the validating registry, or of the core; None to allow any name."""
    context: Mapping[str, Any] = info.context or {}
    losses: Mapping[str, LossSpec] | None = context.get("losses", LOSSES)
    return losses


def _check_loss(name: str, info: ValidationInfo) -> str:
    """Check that the loss exists; the error reads like that of a `Literal`."""
    known = _known_losses(info)
    if known is not None and name not in known:
        *most, last = map(repr, known)
        expected = f"{', '.join(most)} or {last}"
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
    return name


LossName = Annotated[str, AfterValidator(_check_loss), WithJsonSchema({"enum": list(LOSSES), "type": "string"})]
"""The name of a loss in the core's `LOSSES`, or of a loss that a plugin adds with `zoo_losses`."""


def _check_sampler(name: str, info: ValidationInfo) -> str:
    """Check that the sampler exists; the error reads like that of a `Literal`."""
    context: Mapping[str, Any] = info.context or {}
    known = context.get("samplers", SAMPLERS)
    if known is not None and name not in known:
        *most, last = map(repr, known)
        expected = f"{', '.join(most)} or {last}"
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
    return name


SamplerName = Annotated[str, AfterValidator(_check_sampler), WithJsonSchema({"enum": list(SAMPLERS), "type": "string"})]
"""The name of a negative sampler of the core, or of one that a plugin adds with `zoo_samplers`."""


SAMPLED = tuple(name for name, spec in LOSSES.items() if spec.sampled)
"""The core's losses that compare targets with sampled negatives."""
POSITION_WORK, LAYER_WORK = 5_000, 100
"""The time of a position of a sequence, and of a layer for each unit of width, in the unit of `NeuralParams.epoch_work`."""
ACTIVATIONS = 4
"""The fewest vectors per position of a batch that training keeps for the gradient."""


class NeuralParams(Params):
    """Parameters of every neural predictor: its dimensions and its loss.

    Attributes:
        by_data: The dropout rates that `fit` chooses by the amount of data where they are None. A class that overrides one
            with a number has a fixed default.
    """

    by_data: ClassVar[tuple[str, ...]] = ("dropout",)

    dim: int = Field(64, ge=1, le=65_536, tune=choice(32, 64, 128))
    """Width D of the vectors."""
    length: int = Field(50, ge=1, le=100_000)
    """Maximum history length; the model reads the latest events."""
    windows: Literal["all", "last"] = "all"
    """What an epoch reads of a history that is longer than `length`: windows over all of it, or the latest events only."""
    dropout: float | None = Field(None, ge=0, lt=1, tune=float_range(0.0, 0.7, unset=True))
    """Dropout rate in training. By default by the amount of data: 0.6 for up to 16 events per item, 0.1 less for each doubling, at least 0.1."""
    loss: LossName = "softmax"
    """The training loss: `softmax` compares the target with all items, the others with a sample of negatives."""
    negatives: int = Field(256, ge=1, le=1_000_000, tune=int_range(64, 1024, log=True, when={"loss": SAMPLED}))
    """Negatives that a sampled loss draws for each batch."""
    negative_sampling: SamplerName = "uniform"
    """How negatives are sampled; `in-batch` uses the targets of the batch."""
    logq: bool = True
    """Whether `sampled-softmax` corrects for the sampling probability of each item (logQ correction)."""
    temperature: float = Field(1.0, gt=0)
    """Divides the scores of `softmax` and `sampled-softmax`."""
    ids: bool = True
    """Whether each item of training has an embedding, in addition to its projected features; false needs a `featurizer`."""
    sparse_updates: bool = False
    """Whether a step updates only the item vectors of its batch; for 100,000 items or more, with a sampled loss."""

    def fit_memory(self, size: DataSize) -> int | None:
        """Return the memory of the item vectors and of a batch.

        Each item vector has a weight, a gradient, two moments of Adam, and a copy of the best weights. Logits are computed in
        blocks and do not count.
        """
        return 4 * self.dim * (5 * (size.items + 1) + ACTIVATIONS * size.batch_size * self.length)

    def epoch_work(self, size: DataSize) -> float | None:
        """Return the time of an epoch; the unit is the time to score an item at one position, for each unit of width.

        The constants are those with which the first epochs of the runs of `bpr-mf` and `sasrec` on amazon-beauty in docs/results agree.
        """
        positions = size.events if self.windows == "all" else min(size.events, size.users * self.length)
        return (
            positions
            * self.dim
            * (POSITION_WORK + LAYER_WORK * self.layers_in_work() * self.dim + self.scored_items(size))
        )

    def layers_in_work(self) -> int:
        """Return the number of layers that `epoch_work` counts; one has the cost of a Transformer block."""
        return 2

    def scored_items(self, size: DataSize) -> int:
        """Return how many items the loss scores at each position."""
        return self.negatives + 1 if self.loss in SAMPLED else size.items

    @model_validator(mode="after")
    def _every_item_has_a_gradient(self, info: ValidationInfo) -> Self:
        """Refuse sparse updates with a loss in which every item has a gradient."""
        spec = (_known_losses(info) or {}).get(self.loss)
        if self.sparse_updates and spec is not None and not spec.sampled:
            raise ValueError(
                f'expected a sampled loss with `sparse_updates`, found loss = "{self.loss}", which touches every item: '
                'set loss = "sampled-softmax", or sparse_updates = false.'
            )
        return self


class NeuralTextParams(Params):
    """Parameters of every neural text encoder: its input, and the training on pairs of items from one history."""

    columns: list[str] = Field(["title"], min_length=1)
    """Text columns of the catalogue, joined by a space."""
    tokens: int = Field(8000, ge=3, le=1_000_000)
    """Maximum size of the vocabulary of subword tokens learned from the catalogue."""
    text_length: int = Field(64, ge=1, le=100_000)
    """Maximum number of tokens per text; longer texts are truncated."""
    text_dim: int = Field(64, ge=1, le=65_536, tune=choice(32, 64, 128))
    """Width of the text vectors."""
    dropout: float = Field(0.2, ge=0, lt=1, tune=float_range(0.0, 0.5))
    """Dropout rate in training."""
    window: int = Field(5, ge=1, le=100_000, tune=int_range(1, 10))
    """Maximum distance, in events of a history, between the two items of a training pair."""
    epoch_pairs: int = Field(100_000, ge=1, le=1_000_000_000)
    """Maximum number of item pairs per epoch."""
    temperature: float = Field(0.1, gt=0, tune=log_range(0.03, 0.3))
    """Divides the cosines before the softmax."""
    logq: bool = True
    """Whether to correct scores for each item's probability of being in a batch (logQ correction)."""


MOVED = ("max_epochs", "patience", "batch_size", "learning_rate", "weight_decay")
"""Settings of training that were parameters of neural rankers in plugin API 1; now keys of `[model.ranker_train]`."""


class NeuralRankerParams(Params):
    """Parameters of every neural ranker: its scorer and the inputs of the scorer."""

    scorer: Literal["mlp", "set-attention"] = Field("mlp", tune=choice("mlp", "set-attention"))
    """The scorer: `mlp` scores each candidate by its own features, `set-attention` by those of the whole list."""
    inputs: Literal["values", "ranks", "both"] = Field("both", tune=choice("values", "ranks", "both"))
    """The inputs for each feature: its standardised value, its rank in the list, or both."""
    dim: int = Field(64, ge=1, le=65_536, tune=choice(32, 64, 128))
    """Width of the hidden layers."""
    blocks: int = Field(2, ge=0, le=1_000, tune=int_range(1, 3))
    """Number of hidden layers or self-attention blocks."""
    heads: int = Field(2, ge=1, le=1_000, tune=choice(1, 2, 4, when={"scorer": "set-attention"}))
    """Number of attention heads; `dim` must be a multiple of it."""
    dropout: float = Field(0.1, ge=0, lt=1, tune=float_range(0.0, 0.5))
    """Dropout rate in training."""
    cutoff: int = Field(10, ge=1, le=1_000_000)
    """The K of the NDCG@K that early stopping monitors."""
    held_out: float = Field(0.2, gt=0, lt=1)
    """Share of the lists held out for early stopping if the data have no validation lists."""

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
        """Return the training settings among the parameters; only plugins of API 1 have any."""
        return {name: value for name, value in self if name in MOVED}

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        """Check that `dim` is a multiple of `heads`."""
        if self.scorer == "set-attention" and self.dim % self.heads:
            raise ValueError(
                f"expected `dim` to be a multiple of `heads`, found dim = {self.dim}, heads = {self.heads}."
            )
        return self
