"""Find the executor that a user asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.benchmark.executors.executor import Executor
from zoo.errors import ConfigError, suggestion
from zoo.executor_specs import EXECUTORS
from zoo.params import validated
from zoo.registry.plugin_extensions import import_target
from zoo.registry.registry import registry_with


def choose_executor(
    plugins: Sequence[str | Path] = (),
    text: str | None = None,
    *,
    isolate: bool = False,
    memory: float | None = None,
    minutes: float | None = None,
    address: str | None = None,
) -> Executor[Any]:
    """Return an executor, which is checked on this machine.

    Args:
        plugins: Single-file plugins; their executors are looked up too, if the core has none of this name.
        text: `NAME` or `NAME=VALUE`, as after `--executor`; `local` by default.
        isolate: Whether `processes` is asked for.
        memory: The most memory of a run's process in GiB.
        minutes: The most minutes of a run.
        address: The address of a cluster.

    Raises:
        ConfigError: There is no such executor, it has no such parameter, or it cannot work on this machine.
    """
    name, _, value = ("processes" if isolate and text is None else text or "local").partition("=")
    if isolate and name != "processes":
        raise ConfigError(f"--isolate and --executor {name} exclude each other: leave one out.")
    known = {**EXECUTORS, **({} if name in EXECUTORS else registry_with(plugins).extensions["executor"])}
    if name not in known:
        install = ' To install it: pip install "shopzoo-ray".' if name == "ray" else ""
        raise ConfigError(
            f"--executor: no executor {name!r}.{suggestion(name, known)} Installed: {', '.join(sorted(known))}.{install}"
        )
    spec = known[name]
    given: dict[str, Any] = {} if address is None else {"address": address}
    if address is not None and "address" not in spec.params.model_fields:
        raise ConfigError(f"--address {address} is not for the executor {name!r}, which has no cluster. Remove it.")
    for key, option, limit in (("memory", "--memory", memory), ("minutes", "--time", minutes)):
        if limit is None:
            continue
        if key not in spec.params.model_fields:
            raise ConfigError(
                f"{option} {limit:g} limits the processes of --isolate, which is not set. Add --isolate (in Python, "
                f"isolate=True), or remove {option}."
                if name == "local"
                else f"{option} {limit:g} is not for the executor {name!r}. Remove it, or use --executor processes."
            )
        if not limit > 0:
            raise ConfigError(f"{option}: expected a number greater than 0, found {limit:g}.")
        given[key] = limit
    if value and not spec.value:
        raise ConfigError(f"--executor {name} takes no value, found {value!r}. Write --executor {name}.")
    if value:
        given[spec.value] = int(value) if value.isdecimal() else value
    target = import_target(spec.target, f"the executor {name!r}")
    executor: Executor[Any] = target(validated(spec.params, given, f"--executor {name}"))
    executor.check()
    return executor
