"""Several processes that train one network: their shares of the batches, and their line to the process that started them.

Validation, the table of results and whoever watches stay in the first process. Nothing of it has to be pickled, and each
of its cores is free while the others wait for the metric.
"""

from __future__ import annotations

import logging
import math
import pickle
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.reduction import ForkingPickler
from threading import Thread
from typing import Any, Protocol

import pytorch_lightning as pl
import torch
from torch import multiprocessing, nn
from torch.multiprocessing.spawn import ProcessException

from zoo.errors import ConfigError, TrainingError, ZooError
from zoo.stages.context import Tell
from zoo.trained import Trained
from zoo.training.callbacks import KeepBest, Meter, reason
from zoo.training.module import restore, weights

ANNOUNCERS = ("pytorch_lightning", "lightning_fabric")
"""The loggers that tell of devices, processes and tips."""


class Batches(Protocol):
    """Batches that can be gone through again and again, an epoch each time."""

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of one epoch."""


class Share:
    """The batches of one process: every n-th, as many for each; who gets one fewer sees its first once more."""

    def __init__(self, batches: Batches, processes: int) -> None:
        self.batches, self.processes = batches, processes

    def __len__(self) -> int:
        """Return the number of batches that each process gets."""
        return math.ceil(len(self.batches) / self.processes)

    def __iter__(self) -> Iterator[Any]:
        """Yield the share of this process."""
        rank = torch.distributed.get_rank()
        first = last = None
        given = 1
        for at, batch in enumerate(self.batches):  # to the end before the last is given: all draw the same next order
            if at % self.processes == rank:
                if last is None:
                    first = batch
                else:
                    given += 1
                    yield last
                last = batch
        yield last
        if given < len(self):
            yield first


class Line:
    """What callbacks ask of the process that started the training; here they are in it."""

    def __init__(self, validate: Callable[[], float] | None, tell: Tell) -> None:
        self._validate, self._tell = validate, tell
        self.trained: Trained | None = None

    def validate(self, network: nn.Module) -> float:
        """Return the metric of a network."""
        assert self._validate is not None
        return self._validate()

    def tell(self, done: int, total: int, note: str = "", /, *, resumed: bool = False) -> None:
        """Tell whoever watches."""
        self._tell(done, total, note, **({"resumed": True} if resumed else {}))

    def resume(self, done: int, total: int, note: str) -> None:
        """Tell whoever watches that a training resumes."""
        self.tell(done, total, note, resumed=True)

    def finish(self, trained: Trained) -> None:
        """Take how it went."""
        self.trained = trained

    def fail(self, error: ZooError) -> None:
        """Take an error."""


class LongLine(Line):
    """The same from another process: weights go through shared memory, the rest through a pipe."""

    def __init__(self, network: nn.Module) -> None:
        context = multiprocessing.get_context("spawn")
        self._asked, self._answers = context.SimpleQueue(), context.SimpleQueue()
        self._weights = {name: tensor.cpu().clone() for name, tensor in weights(network).items()}
        for tensor in self._weights.values():
            tensor.share_memory_()  # type: ignore[no-untyped-call]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in another process, which shall be as quiet as the first."""
        self.__dict__.update(state)
        for name in ANNOUNCERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        warnings.filterwarnings(
            "ignore", message="Grad strides do not match"
        )  # a word on speed, of broadcast gradients

    def validate(self, network: nn.Module) -> float:
        """Return the metric of a network.

        Raises:
            TrainingError: The validation failed; the first process knows why.
        """
        for name, tensor in weights(network).items():
            self._weights[name].copy_(tensor)
        self._asked.put(("validate", ()))
        value: float | None = self._answers.get()
        if value is None:
            raise TrainingError("the validation failed")
        return value

    def tell(self, done: int, total: int, note: str = "", /, *, resumed: bool = False) -> None:
        """Tell whoever watches."""
        self._asked.put(("resume" if resumed else "tell", (done, total, note)))

    def finish(self, trained: Trained) -> None:
        """Take how it went."""
        self._asked.put(("finish", (trained,)))

    def fail(self, error: ZooError) -> None:
        """Take an error."""
        self._asked.put(("fail", (error,)))

    def close(self) -> None:
        """End the service."""
        self._asked.put(("close", ()))

    def serve(self, here: Line, network: nn.Module) -> BaseException | None:
        """Do in the first process what the others ask, until the line is closed; return the first error."""
        failed: BaseException | None = None
        while True:
            what, arguments = self._asked.get()
            if what == "close":
                return failed
            value = None
            try:
                if what == "fail":
                    failed = failed or arguments[0]
                elif what != "validate":
                    getattr(here, what)(*arguments)
                elif failed is None:
                    restore(network, self._weights)
                    value = here.validate(network.eval())
            except BaseException as error:  # it is raised by who waits for the training
                failed = failed or error
            if what == "validate":
                self._answers.put(value)


class Report(pl.Callback):
    """Says at the end how a training went."""

    def __init__(self, line: Line, meter: Meter, keep: KeepBest | None) -> None:
        self.line, self.meter, self.keep = line, meter, keep

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Say which epoch's weights these are, and what validations gave."""
        if trainer.is_global_zero:
            keep, stopped = self.keep, reason(trainer, self.keep)
            epochs, history = (keep.best_epoch, keep.history) if keep else (self.meter.epochs, [])
            self.line.finish(Trained(epochs, history, stopped))

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        """Pass an error on that another process would hear of as text only."""
        if isinstance(exception, ZooError):
            self.line.fail(exception)


def _generator(device: torch.device, state: bytes) -> torch.Generator:
    """Return a generator in a given state."""
    generator = torch.Generator(device)
    generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    return generator


# torch's own way fails between processes: it sends the state as a tensor in shared memory, which cannot be opened there.
ForkingPickler.register(torch.Generator, lambda g: (_generator, (g.device, g.get_state().numpy().tobytes())))


def launched(fit: Callable[[], None], line: LongLine, here: Line, network: nn.Module, name: str) -> None:
    """Run a training that starts processes, and serve them.

    Args:
        fit: Starts the processes and waits for them.
        line: How they ask.
        here: Does what they ask.
        network: The first process's own, which takes the weights to validate.
        name: For messages.

    Raises:
        ConfigError: Something of the training cannot be sent to another process.
        TrainingError: A process failed.
    """
    failed: list[BaseException | None] = []
    service = Thread(target=lambda: failed.append(line.serve(here, network)), daemon=True)
    service.start()
    try:
        try:
            fit()
        finally:
            line.close()
            service.join()
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f'{name}: `devices` needs every part of a training to be picklable under strategy = "ddp_spawn": {error}. '
            'Define it in a module, use strategy = "ddp_fork", or devices = 1.'
        ) from error
    except ProcessException as error:
        if failed[0] is not None:
            raise failed[0] from None
        last = str(error).strip().splitlines()[-1]
        raise TrainingError(f"{name}: a process of the training failed: {last}") from error
    if failed[0] is not None:
        raise failed[0]
