"""Every public exception of the zoo. A message says what was asked, what was found and what to do."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class ZooError(Exception):
    """Base class of all errors that a user of the zoo can cause or fix."""


class ConfigError(ZooError):
    """An experiment file, an override or a parameter is wrong; the message names its place and its value."""


class ComponentError(ZooError):
    """A component cannot be named, loaded or built."""


class UnknownComponentError(ComponentError):
    """No component of the requested stage has this name."""


class AmbiguousComponentError(ComponentError):
    """Several plugins provide a component with this name; a qualified name selects one."""


class PluginError(ComponentError):
    """A plugin is broken, or was written for an unsupported version of the plugin API."""


class DataError(ZooError):
    """The data do not fit their schema; the message names file, column, row and value.

    Attributes:
        found: The message without the advice.
        advice: A sentence on how to set up the reading of the data, for callers that have other advice; often empty.
    """

    def __init__(self, found: str, advice: str = "") -> None:
        super().__init__(f"{found} {advice}" if advice else found)
        self.found, self.advice = found, advice


class FieldError(DataError):
    """A field of a request does not have the expected form.

    Attributes:
        path: The place of the field: names of keys, and positions in lists from 0.
    """

    def __init__(self, found: str, path: tuple[str | int, ...]) -> None:
        super().__init__(found)
        self.path = path


class SplitError(DataError):
    """A split leaves a part empty, or needs timestamps that the data do not have."""


class ScoreError(ZooError):
    """A stage returned an answer that cannot be used (NaN, a wrong type or shape, an excluded item)."""


class TrainingError(ZooError):
    """Training failed, for example because the loss is NaN or infinite."""


class NotFittedError(ZooError):
    """A stage was used before it was fitted or loaded."""


class ResourceError(ZooError):
    """A request exceeds the resources of this machine; raised before anything is allocated."""


class ResultsError(ZooError):
    """An output folder is in use, contains the results of another experiment, or cannot be written."""


class ScaffoldError(ZooError):
    """A new plugin cannot be created: its name or its folder is taken or invalid."""


class ArtifactError(ZooError):
    """A saved model cannot be loaded: it is damaged, not an artifact, newer than this core, or its plugin is missing."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the nearest known name, or an empty string."""
    matches = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""


@contextmanager
def naming(component: str) -> Iterator[None]:
    """Prefix the message of a `DataError` with the name of the component that raised it."""
    try:
        yield
    except DataError as error:
        if not str(error).startswith(
            f"{component}: "
        ):  # changed in place: a subclass may be built from other arguments
            error.args = (f"{component}: {error}",)
            error.found = f"{component}: {error.found}"
        raise
