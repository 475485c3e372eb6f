"""How networks are trained: `[train]` for all models, `[model.train]` and `[model.ranker_train]` where one differs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator

from zoo.errors import ConfigError
from zoo.params import Table, validated

RANKER_DEFAULTS: dict[str, Any] = {
    "max_epochs": 100, "patience": 10, "batch_size": 32, "learning_rate": 1e-3, "weight_decay": 0.0,
}  # fmt: skip
"""Settings that rankers do not take from `[train]`, which is for networks that read many more examples."""

LoggerName = Literal["csv", "tensorboard", "mlflow", "wandb"]


class LoggerTable(Table):
    """A logger of Lightning's with keyword arguments for it: every key but `name`."""

    model_config = ConfigDict(extra="allow")

    name: LoggerName
    """Which one."""


class NetworkSettings(Table):
    """The keys of `[train]` that a model may set for itself under `[model.train]`."""

    max_epochs: int = Field(100, ge=1)
    """The most epochs of a training; all of them where the split has no `validate` part."""
    patience: int = Field(10, ge=1)
    """Validations without a better value after which a training stops."""
    monitor: str = Field("ndcg@10", pattern=r"^.+@[1-9]\d*$")
    """The metric that early stopping watches over the validation queries, higher is better: `"name@k"`."""
    validate_every: int = Field(1, ge=1)
    """Epochs between validations."""
    validation_queries: int = Field(10_000, ge=1)
    """The most queries that a validation asks, evenly drawn."""
    batch_size: int = Field(256, ge=1)
    """Sequences in a batch."""
    learning_rate: float = Field(1e-3, gt=0)
    """The rate of AdamW, or its peak under a schedule."""
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    """How the rate falls to zero over `max_epochs`."""
    warmup_steps: int = Field(0, ge=0)
    """Steps in which the rate rises from zero."""
    weight_decay: float = Field(0.0, ge=0)
    """AdamW's decay, not applied to biases and norms."""
    clip_norm: float | None = Field(None, gt=0)
    """The largest norm of a gradient."""
    precision: Literal["32", "bf16"] = "32"
    """Arithmetic of the network: float32, or bfloat16 where that is safe."""
    accumulate: int = Field(1, ge=1)
    """Batches whose gradients are added up for a step."""
    time_limit: float | None = Field(None, gt=0)
    """Minutes after which a training stops with what it has."""
    devices: int = Field(1, ge=1)
    """Processes that train together, each on its share of every `batch_size` sequences: cores, or GPUs."""
    strategy: Literal["auto", "ddp_spawn", "ddp_fork"] = "auto"
    """How they are started; `auto` is `ddp_spawn`. Lightning's `ddp` would start the whole command once for each."""
    logger: LoggerName | LoggerTable | None = Field(None, exclude=True)
    """A logger of Lightning's: its name, or a table with `name` and keyword arguments for it. Of no effect on results."""


class TrainSettings(NetworkSettings):
    """`[train]`: how models are fitted, the same for all."""

    refit: bool = True
    """Fit once more on everything before the test part; false leaves the validation events out, as some papers do."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where tensors live."""
    seeds: list[int] = Field([0], min_length=1)
    """One run for each seed; models that are deterministic run once."""
    threads: int | None = Field(None, ge=1)
    """Threads of torch's operations; its own default where this is not set."""

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, value: list[int]) -> list[int]:
        """Refuse a seed given twice: its runs are one run, and would pass for a spread of zero."""
        twice = next((seed for seed in value if value.count(seed) > 1), None)
        if twice is not None:
            raise ValueError(f"expected each seed once, found {twice} more than once.")
        return value

    def network(self, overrides: dict[str, Any], where: str) -> NetworkSettings:
        """Return the settings of one model's networks: these, and over them what the model says for itself.

        Args:
            overrides: The model's `train` table.
            where: Its place in the file, for errors.

        Raises:
            ConfigError: A key is unknown, or not a single model's to set, or a value does not fit.
        """
        shared = {name: getattr(self, name) for name in NetworkSettings.model_fields}
        refused = dict.fromkeys(_OF_ALL_MODELS, "is the same for all models. Move it to [train]")
        return _merged(shared, overrides, where, refused)


def ranker_settings(network: NetworkSettings, overrides: dict[str, Any], where: str) -> NetworkSettings:
    """Return the settings of the networks among a model's rankers.

    Args:
        network: The settings of its other networks; what is no default of rankers and not overridden is the same for both.
        overrides: The model's `ranker_train` table.
        where: Its place in the file, for errors.

    Raises:
        ConfigError: A key is unknown or does not apply to rankers, or a value does not fit.
    """
    shared = {name: getattr(network, name) for name in NetworkSettings.model_fields}
    refused = dict.fromkeys(_OF_ALL_MODELS, "is the same for all models. Move it to [train]")
    watched = "does not apply to rankers, which watch the NDCG of `cutoff`, a parameter of theirs, on all validation lists. Remove it"
    refused |= dict.fromkeys(("monitor", "validation_queries"), watched)
    return _merged({**shared, **RANKER_DEFAULTS}, overrides, where, refused)


def _merged(shared: dict[str, Any], overrides: dict[str, Any], where: str, refused: dict[str, str]) -> NetworkSettings:
    """Return settings with some of them overridden.

    Raises:
        ConfigError: A key is refused or unknown, or a value does not fit.
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
