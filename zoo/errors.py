"""Every public exception of the zoo. A message says what was asked, what was found and what to do."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class ZooError(Exception):
    """The base of all errors that a user of the zoo can cause or mend."""


class ConfigError(ZooError):
    """An experiment file, an override or a parameter is wrong; the message names its place and its value."""


class ComponentError(ZooError):
    """A component cannot be named, loaded or built."""


class UnknownComponentError(ComponentError):
    """No component has the name asked for, or only one of another stage has it."""


class AmbiguousComponentError(ComponentError):
    """Several plugins offer a component of one name; a qualified name picks one."""


class PluginError(ComponentError):
    """A plugin is broken, or was written for an API that this core does not speak."""


class DataError(ZooError):
    """The data do not fit their schema; the message names file, column, row and value."""


class SplitError(DataError):
    """A split leaves a part empty, or asks for a clock that the data do not have."""


class ScoreError(ZooError):
    """A model returned scores that cannot be ranked (NaN, a wrong shape)."""


class TrainingError(ZooError):
    """A training cannot go on: its loss is not a number any more."""


class NotFittedError(ZooError):
    """A stage was used before it was fitted or loaded."""


class ResourceError(ZooError):
    """What was asked would not fit this machine; refused before anything is allocated."""


class ResultsError(ZooError):
    """An output folder cannot be used: it holds another experiment's results, or cannot be written."""


class ScaffoldError(ZooError):
    """A new plugin cannot be written: its name or its place is taken, or cannot be used."""


class ArtifactError(ZooError):
    """A saved model cannot be used: it is damaged, not an artifact, newer than this core, or its plugin is missing."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the nearest known name, or an empty string."""
    matches = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""


@contextmanager
def naming(component: str) -> Iterator[None]:
    """Begin the message of an error about the data with the component that found it, unless it does already."""
    try:
        yield
    except DataError as error:
        if str(error).startswith(f"{component}: "):
            raise
        raise type(error)(f"{component}: {error}") from error
