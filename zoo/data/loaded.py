"""A log that was read in Python already, as the dataset of an experiment."""

from __future__ import annotations

from dataclasses import dataclass, replace

from zoo.config.chosen import Chosen
from zoo.data.dataset import Dataset, Tables
from zoo.data.log import Data
from zoo.errors import DataError
from zoo.params import Params
from zoo.registry.component import Component
from zoo.spec import ComponentSpec


class FrameParams(Params):
    """A data frame has no parameters: what it holds is in the memory of the process that read it."""


FRAME = ComponentSpec(
    name="frame",
    stage="dataset",
    target="zoo.data.loaded:LoadedLog",
    params=FrameParams,
    summary="A log that `zoo.read_log` read from data frames.",
    api=2,
)
"""The source of a log from data frames, in the results; an experiment file cannot name it."""


class LoadedLog(Dataset[Params]):
    """A log that was read already."""

    def __init__(self, data: Data) -> None:
        super().__init__(FrameParams())
        self.data = data

    def read(self) -> Tables:
        """Refuse to read the tables again.

        Raises:
            DataError: Always: the log is in `data`.
        """
        raise DataError("a log that was read in Python has no tables to read again: use its `data`.")


@dataclass(frozen=True)
class LoadedSource(Chosen):
    """The dataset of an experiment on a log that was read already.

    Attributes:
        data: The log.
    """

    data: Data

    @classmethod
    def of(cls, data: Data, found: Chosen) -> LoadedSource:
        """Return the source of a log.

        Args:
            data: The log, as `zoo.read_log` returned it.
            found: The component that read it from files.
        """
        if data.settings is not None and data.settings.source.name != FRAME.name:
            return cls(found.component, found.params, data)
        component: Component = replace(found.component, spec=FRAME)
        return cls(component, FrameParams(), data)

    def build(self) -> LoadedLog:
        """Return the log as a dataset."""
        return LoadedLog(self.data)
