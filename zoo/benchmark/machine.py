"""The machine that a figure was measured on: its processor, memory and device, and the versions of the code."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from zoo.config.chosen import Chosen
from zoo.errors import ConfigError
from zoo.registry.plugin import Plugin

MIB = 2**20


def machine() -> dict[str, Any]:
    """Return processor, memory, threads and operating system."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_mib": _total_memory() // MIB,
        "threads": torch.get_num_threads(),
        "gpu": gpu,
    }


def _total_memory() -> int:
    """Return the main memory of the machine, in bytes."""
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import psutil  # Windows

    return int(psutil.virtual_memory().total)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of the numerical libraries."""
    return dict(_versions())


@cache  # each version is read from a file, and a process keeps the libraries that it imported
def _versions() -> dict[str, str]:
    libraries = ("torch", "pytorch-lightning", "torchmetrics", "datasets", "numpy", "scipy", "pyarrow")
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


def device_of(name: str) -> torch.device:
    """Return the device that `train.device` names.

    Raises:
        ConfigError: The device is not available on this machine or in this build of torch.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = "cuda" if there["cuda"] else "cpu"
    if not there[name]:
        found = ", ".join(repr(device) for device, is_there in there.items() if is_there)
        raise ConfigError(
            f"train.device: torch {torch.__version__} finds no device {name!r} on this machine. "
            f"Available: {found}. Choose one, or 'auto'."
        )
    return torch.device(name)


def sources_of(*parts: Chosen, plugins: Iterable[Plugin] = (), known: dict[str, str] | None = None) -> dict[str, str]:
    """Return the versions of the core, of the components' plugins and of further plugins.

    Args:
        *parts: The components.
        plugins: Further plugins.
        known: Versions that earlier calls found, to which this one adds: files are hashed once for all models of a plan.
    """
    import zoo

    known = {} if known is None else known
    needed = {plugin.distribution: plugin for part in parts for plugin in part.plugins}
    needed |= {plugin.distribution: plugin for plugin in plugins}
    modules = {name: (plugin.module, plugin.version) for name, plugin in needed.items()} | {"shopzoo": (zoo, "")}
    known |= {name: source_version(name, *of) for name, of in modules.items() if name not in known}
    return {name: known[name] for name in modules}


def source_version(name: str, module: ModuleType, fallback: str) -> str:
    """Return the version of a distribution, with a hash of the source if it was installed from a folder, editable or not.

    Different states of a working tree have the same version number. The hash prevents a stale row from being reused.
    """
    try:
        installed: Distribution | None = distribution(name)
    except PackageNotFoundError:
        installed = None
    origin = json.loads((installed and installed.read_text("direct_url.json")) or "{}")
    if installed is not None and "dir_info" not in origin:
        return installed.version
    file = Path(getattr(sys.modules.get(module.__name__.partition(".")[0]), "__file__", None) or module.__file__ or "")
    files = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
    hashed = hashlib.blake2b(b"".join(f.read_bytes() for f in files), digest_size=4).hexdigest()
    return f"{installed.version if installed else fallback}+{hashed}"
