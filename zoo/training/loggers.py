"""Lightning's loggers by name: CSV, and TensorBoard, MLflow and W&B if they are installed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pytorch_lightning import loggers
from pytorch_lightning.loggers import Logger

from zoo.config.train import LoggerTable
from zoo.errors import ConfigError
from zoo.hookspecs import Training

_CLASSES = {
    "csv": ("CSVLogger", ""),
    "tensorboard": ("TensorBoardLogger", "tensorboard"),
    "mlflow": ("MLFlowLogger", "mlflow"),
    "wandb": ("WandbLogger", "wandb"),
}
"""The class of each logger, and the package that it needs."""


def logger_of(choice: str | LoggerTable | None, training: Training, begun: int) -> Logger | None:
    """Return the logger of a training, with its settings logged, or None if `choice` is None.

    Args:
        choice: `train.logger`.
        training: Provides the names of the logger's files or run.
        begun: Epochs trained before an interruption; a resumed training gets a separate version.

    Raises:
        ConfigError: The package is not installed, or a keyword argument is invalid.
    """
    if choice is None:
        return None
    name, given = (choice, {}) if isinstance(choice, str) else (choice.name, choice.model_extra or {})
    class_name, package = _CLASSES[name]
    try:
        logger: Logger = getattr(loggers, class_name)(**{**_defaults(name, training, begun), **given})
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"train.logger: {name!r} needs the package {package}, which is not installed. "
            f"Install it (pip install {package}), or leave `logger` out."
        ) from error
    except TypeError as error:
        raise ConfigError(f"train.logger: {class_name} does not accept the keys besides `name`: {error}") from error
    logger.log_hyperparams({key: value for key, value in asdict(training).items() if key != "folder"})
    return logger


def _defaults(name: str, training: Training, begun: int) -> dict[str, Any]:
    """Return the default keyword arguments of a logger."""
    version = f"{training.component}-{training.phase}-seed{training.seed}" + (f"-after{begun}" if begun else "")
    folder = "runs/logs" if training.folder is None else str(training.folder)
    if name in ("csv", "tensorboard"):
        return {"save_dir": folder, "name": training.label or training.component, "version": version}
    run = f"{training.label or training.component} {version}"
    if name == "mlflow":
        return {"experiment_name": "shopzoo", "run_name": run}
    return {"project": "shopzoo", "name": run, "save_dir": folder}
