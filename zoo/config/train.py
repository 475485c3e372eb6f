"""Training settings: `[train]` for all models, `[model.train]` and `[model.ranker_train]` for one model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, field_validator

from zoo.errors import ConfigError
from zoo.params import StrictTable, is_unset, validated
from zoo.search_space import Field, choice, log_range

RANKER_DEFAULTS: dict[str, Any] = {
    "max_epochs": 100, "patience": 10, "batch_size": 32, "learning_rate": 1e-3, "weight_decay": 0.0,
}  # fmt: skip
"""Defaults that rankers use instead of `[train]`, because they train on far fewer examples."""

FIXED: dict[str, Any] = {
    "max_epochs": 100, "patience": 10, "batch_size": 256, "learning_rate": 1e-3, "warmup_steps": 0,
}  # fmt: skip
"""The settings that the data may choose, as they are for a network that does not choose by the data."""

RANKS = {"devices", "nodes", "strategy"}
"""The settings that say which processes train. A training resumes with others."""

LoggerName = Literal["csv", "tensorboard", "mlflow", "wandb"]


class LoggerTable(StrictTable):
    """A Lightning logger; every key except `name` is a keyword argument for it."""

    model_config = ConfigDict(extra="allow")

    name: LoggerName
    """Name of the logger."""


class NetworkSettings(StrictTable):
    """The keys of `[train]` that a model may override in `[model.train]`."""

    max_epochs: int | None = Field(None, ge=1, le=1_000_000)
    """Maximum number of epochs; without a `validate` part, training runs for all of them. By default 100; with validation as many as 10,000 steps need, if these are more, but at most 1,000."""
    patience: int | None = Field(None, ge=1, le=1_000_000)
    """Number of validations without improvement after which training stops. By default 10, or as many as 1,000 steps need."""
    monitor: str = Field("ndcg@10", pattern=r"^.+@[1-9]\d*$")
    """The metric for early stopping on the validation queries, `"name@k"`; higher is better."""
    validate_every: int = Field(1, ge=1, le=1_000_000_000)
    """Number of epochs between validations."""
    validation_queries: int = Field(10_000, ge=1, le=1_000_000_000)
    """Maximum number of queries per validation, sampled evenly."""
    batch_size: int | None = Field(None, ge=1, le=1_000_000, tune=choice(None, 32, 64, 128, 256, 512))
    """Number of sequences per batch. By default the power of two that makes about 100 batches an epoch, from 32 to 256; for models that learn from pairs of user and item up to 1,024."""
    epoch_batches: int | None = Field(None, ge=1, le=1_000_000_000, exclude_if=is_unset)
    """Maximum number of batches per epoch; a longer epoch reads a new random sample of the data each time. By default 1,000 for predictors, so that training on large data is validated often enough; unlimited for text encoders and rankers."""
    learning_rate: float | None = Field(None, gt=0, tune=log_range(0.0002, 0.01, unset=True))
    """Learning rate of AdamW; with a schedule, its peak. By default 0.002 at width 64, lower for wider models: 0.002 (64 / width)^½."""
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    """Learning rate schedule: constant, or decay to zero over `max_epochs`."""
    warmup_steps: int | None = Field(None, ge=0, le=1_000_000_000, tune=choice(None, 0, 100))
    """Number of steps in which the learning rate rises from zero. By default 100 if `learning_rate` is not set, 0 if it is."""
    weight_decay: float = Field(0.0, ge=0, tune=choice(0.0, 0.01, 0.1))
    """Weight decay of AdamW; not applied to biases and norms."""
    averaging: float = Field(0.0, ge=0, lt=1, exclude_if=is_unset)
    """Decay, per step, of an exponential moving average of the weights, which is validated and kept in place of the last weights; 0 to average nothing."""
    clip_norm: float | None = Field(None, gt=0)
    """Maximum gradient norm; larger gradients are clipped."""
    precision: Literal["32", "bf16"] = "32"
    """Precision of the network: float32, or mixed precision with bfloat16."""
    accumulate: int = Field(1, ge=1, le=1_000_000)
    """Number of batches whose gradients are accumulated for each step."""
    time_limit: float | None = Field(None, gt=0)
    """Time limit of a training in minutes; training then stops with the weights found so far."""
    devices: int = Field(1, ge=1, le=10_000)
    """Number of processes (CPU cores or GPUs) that train together, each on its share of every `batch_size` sequences."""
    nodes: int | None = Field(None, ge=1, le=10_000, exclude_if=is_unset)
    """Number of machines of these processes, with as many on each; by default as they are started by torchrun, SLURM or an executor, otherwise one."""
    strategy: Literal["auto", "ddp_spawn", "ddp_fork"] = "auto"
    """How the processes are started where neither torchrun, SLURM nor an executor starts them; `auto` is `ddp_spawn`. Lightning's `ddp` is not offered: it would start the whole command once per process."""
    logger: LoggerName | LoggerTable | None = Field(None, exclude=True)
    """A Lightning logger: its name, or a table with `name` and keyword arguments. It has no effect on results."""

    def filled(self, **chosen: Any) -> FilledSettings:
        """Return the settings with a value for each key that is not set.

        Args:
            chosen: Values for such keys; the others get those of `FIXED`.
        """
        defaults = {**FIXED, **chosen}
        values = {name: getattr(self, name) for name in NetworkSettings.model_fields}
        return FilledSettings(**{k: defaults[k] if v is None and k in defaults else v for k, v in values.items()})


class FilledSettings(NetworkSettings):
    """The settings of a training, with a value for each key that the data may choose."""

    max_epochs: int = FIXED["max_epochs"]
    patience: int = FIXED["patience"]
    batch_size: int = FIXED["batch_size"]
    learning_rate: float = FIXED["learning_rate"]
    warmup_steps: int = FIXED["warmup_steps"]


class TrainSettings(NetworkSettings):
    """`[train]`: how models are fitted."""

    refit: bool = True
    """Fit again on all events before the test part. With false, models are not fitted on the validation events, as in some papers."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device to compute on."""
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1)
    """Random seeds from 0 to 2^63 - 1, one run each; deterministic models run once."""
    threads: int | None = Field(None, ge=1, le=10_000)
    """Number of torch threads, which the processes of `devices` share; torch's default if not set. The number that was used is part of a run's settings."""

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, value: list[int]) -> list[int]:
        """Refuse duplicate seeds: they would be the same run and look like a spread of zero."""
        twice = next((seed for seed in value if value.count(seed) > 1), None)
        if twice is not None:
            raise ValueError(f"expected each seed once, found {twice} more than once.")
        return value

    def network(self, overrides: dict[str, Any], where: str) -> NetworkSettings:
        """Return the settings of one model's networks: these settings with the model's overrides.

        Args:
            overrides: The model's `train` table.
            where: Its place in the file, for errors.

        Raises:
            ConfigError: A key is unknown or cannot be set per model, or a value is invalid.
        """
        shared = {name: getattr(self, name) for name in NetworkSettings.model_fields}
        refused = dict.fromkeys(_OF_ALL_MODELS, "is the same for all models. Move it to [train]")
        return _merge_settings(shared, overrides, where, refused)


def ranker_settings(network: NetworkSettings, overrides: dict[str, Any], where: str) -> NetworkSettings:
    """Return the settings of a model's neural rankers.

    Args:
        network: The settings of the model's other networks, used for keys without a ranker default or override.
        overrides: The model's `ranker_train` table.
        where: Its place in the file, for errors.

    Raises:
        ConfigError: A key is unknown or does not apply to rankers, or a value is invalid.
    """
    shared = {name: getattr(network, name) for name in NetworkSettings.model_fields}
    refused = dict.fromkeys(_OF_ALL_MODELS, "is the same for all models. Move it to [train]")
    shared["warmup_steps"] = network.warmup_steps or 0
    watched = "does not apply to rankers, which watch the NDCG of `cutoff`, a parameter of theirs, on all validation lists. Remove it"
    refused |= dict.fromkeys(("monitor", "validation_queries"), watched)
    return _merge_settings({**shared, **RANKER_DEFAULTS}, overrides, where, refused)


def _merge_settings(
    shared: dict[str, Any], overrides: dict[str, Any], where: str, refused: dict[str, str]
) -> NetworkSettings:
    """Return settings with some of them overridden.

    Raises:
        ConfigError: A key is refused or unknown, or a value is invalid.
    """
    problems = [f"{where}.{key}: {refused[key]}." for key in overrides if key in refused]
    own = {key: value for key, value in overrides.items() if key not in refused}
    try:
        settings = validated(NetworkSettings, {**shared, **own}, where)
    except ConfigError as error:
        problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    return settings


_OF_ALL_MODELS = [name for name in TrainSettings.model_fields if name not in NetworkSettings.model_fields]
