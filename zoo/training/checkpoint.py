"""Checkpoints as safetensors files, with everything except tensors as JSON in the header; no pickle."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytorch_lightning.plugins.io import CheckpointIO
from safetensors import SafetensorError
from torch import Tensor

from zoo.atomic import write_atomically
from zoo.errors import TrainingError
from zoo.nn.sparse import parts_of
from zoo.tensors import can_store, join_csr, read_header, read_parts, write_tensors

ENDING = ".checkpoint.safetensors"
"""File name suffix of a checkpoint; the name of the trained component precedes it."""

_PLAIN = (str, int, float, bool, type(None))


class SafeCheckpointIO(CheckpointIO):
    """Lightning's checkpoint I/O without pickle; files are written atomically."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint.

        The state of a callback that contains other values than tensors and JSON is skipped with a warning.

        Raises:
            TrainingError: The file cannot be written, or another part is neither tensor nor JSON.
        """
        path, packed = Path(path), _Packed()
        content = {**checkpoint}
        if "callbacks" in content:
            content["callbacks"] = dict(filter(_is_kept, content["callbacks"].items()))
        header = {"zoo": json.dumps(packed.pack(content, "the checkpoint"))}
        try:
            with write_atomically(path) as temporary:
                write_tensors(temporary, packed.tensors, header)
        except (OSError, SafetensorError) as error:
            raise TrainingError(
                f"{path} cannot be written: {error}. The previous checkpoint is kept: free disk space, then train again to resume."
            ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint, with its tensors on the CPU.

        Raises:
            TrainingError: The file is damaged or is not a checkpoint.
        """
        with _readable(path):
            loaded: dict[str, Any] = _unpack(_header(path), join_csr(read_parts(path)))
        return loaded

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint."""
        Path(path).unlink(missing_ok=True)


def epoch_of(path: Path) -> int:
    """Return the number of epochs trained before a checkpoint.

    Raises:
        TrainingError: The file is damaged or is not a checkpoint.
    """
    with _readable(path):
        return int(_header(path)["epoch"]) + 1


def forget(folder: Path) -> None:
    """Remove the checkpoints in a folder tree, then all empty folders in it, including the folder itself."""
    for path in sorted([folder, *folder.rglob("*")], reverse=True):
        if ENDING in path.name:  # also a temporary file of a killed process
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


@contextmanager
def _readable(path: str | Path) -> Iterator[None]:
    """Convert the errors of reading a damaged file to a `TrainingError` that says what to do."""
    try:
        yield
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{path} is not a training checkpoint: {error}. Remove it to start the training again."
        ) from error


def _header(path: str | Path) -> Any:
    """Return the JSON in a checkpoint's header."""
    return json.loads(read_header(path)["zoo"])


class _Packed:
    """Separates a structure into JSON and tensors; a tensor that occurs twice is stored once."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[tuple[Any, ...], str] = {}

    def pack(self, value: Any, where: str) -> Any:
        """Convert a value to JSON, with references to its tensors.

        Raises:
            TrainingError: The value contains something that is neither tensor nor JSON.
        """
        if isinstance(value, Tensor) and can_store(value):
            return {"$tensor": self._name_of(value)}
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, list | tuple):
            packed = [self.pack(part, f"{where}[{i}]") for i, part in enumerate(value)]
            return packed if isinstance(value, list) else {"$tuple": packed}
        if isinstance(value, dict):
            if all(type(key) is str and not key.startswith("$") for key in value):
                return {key: self.pack(part, f"{where}.{key}") for key, part in value.items()}
            pairs = [[self.pack(k, where), self.pack(part, f"{where}[{k!r}]")] for k, part in value.items()]
            return {"$dict": pairs}
        raise TrainingError(
            f"{where} is a {type(value).__name__}, which is neither a tensor nor JSON: a checkpoint holds nothing else."
        )

    def _name_of(self, value: Tensor) -> str:
        """Return the name under which a tensor is stored."""
        key = (value.shape, *map(_place, parts_of(value).values()))
        if key not in self._names or not value.numel():
            self._names[key] = str(len(self.tensors))
            self.tensors[self._names[key]] = value
        return self._names[key]


def _place(tensor: Tensor) -> tuple[Any, ...]:
    """Return a key that identifies the memory and the layout of a dense tensor."""
    return tensor.data_ptr(), tensor.dtype, tensor.device, tuple(tensor.shape), tuple(tensor.stride())


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Restore a packed value from JSON and tensors."""
    if isinstance(value, list):
        return [_unpack(part, tensors) for part in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        return tensors[value["$tensor"]]
    if "$tuple" in value:
        return tuple(_unpack(value["$tuple"], tensors))
    if "$dict" in value:
        return {_unpack(key, tensors): _unpack(part, tensors) for key, part in value["$dict"]}
    return {key: _unpack(part, tensors) for key, part in value.items()}


def _is_kept(entry: tuple[str, Any]) -> bool:
    """Return whether the state of a callback can be stored, with a warning if not."""
    name, state = entry
    try:
        _Packed().pack(state, f"the state of the callback {name}")
    except TrainingError as error:
        warnings.warn(f"{error} It is not saved: a resumed training starts without it.", stacklevel=2)
        return False
    return True
