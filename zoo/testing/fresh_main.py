"""The program of the kit's fresh process: `python -m zoo.testing.fresh_main job.json`."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.registry.plugin import Plugin

HEAVY = (
    "torch", "pytorch_lightning", "torchmetrics", "tensorflow", "jax", "datasets", "transformers", "pandas", "polars",
    "pyarrow", "scipy", "sklearn", "lightgbm", "xgboost",
)  # fmt: skip
"""Packages that importing a plugin must not import."""


def main(job_file: str) -> None:
    """Import a plugin, query its saved components, and write a report next to the job file."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))

    importlib.import_module("zoo.registry.discovery")  # the import of the core does not count
    start = time.perf_counter() - _waited()
    plugin = _plugin(job)
    seconds = time.perf_counter() - _waited() - start
    heavy = [name for name in HEAVY if name in sys.modules]
    errors = _answers(plugin, job["saved"], Path(job_file).parent)
    Path(job_file).with_name("report.json").write_text(
        json.dumps({"heavy": heavy, "errors": errors, "seconds": seconds}), encoding="utf-8"
    )


def _waited() -> float:
    """Return the seconds for which this process has waited for a processor, as on a busy machine; 0 if unknown."""
    try:
        return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _plugin(job: dict[str, Any]) -> Plugin:
    """Load the plugin that a job names."""
    from zoo.registry.discovery import import_file
    from zoo.registry.plugin import Source, load_plugin

    module = import_file(Path(job["file"])) if job["file"] else importlib.import_module(job["module"])
    return load_plugin(Source(job["name"], job["distribution"], job["version"], lambda: module))


def _answers(plugin: Plugin, saved: dict[str, str], folder: Path) -> dict[str, str]:
    """Query each saved component, write the outputs to a file, and return the errors by key."""
    if not saved:  # without this, a plugin of metrics would wait for torch
        return {}
    from safetensors.torch import save_file

    from zoo.artifacts.saving import load_artifact
    from zoo.registry.plugin import describe_error
    from zoo.registry.registry import Registry
    from zoo.testing.data import shop
    from zoo.testing.fresh import stand_in_plugin
    from zoo.testing.subject import Subject

    registry = Registry([plugin, stand_in_plugin()])
    answers, errors = {}, dict[str, str]()
    for key, artifact in saved.items():
        stage, _, name = key.partition("/")
        try:
            subject = Subject(registry.find(stage, f"{plugin.distribution}/{name}"))  # type: ignore[arg-type]
            pipeline = load_artifact(artifact, registry=registry).pipeline
            part = pipeline.predictor if stage == "predictor" else getattr(pipeline, f"{stage}s")[0]
            answers[key] = subject.ask(part, shop()).contiguous()
        except (Exception, SystemExit) as error:  # a component may raise anything
            errors[key] = describe_error(error)
    if answers:
        save_file(answers, folder / "answers.safetensors")
    return errors


if __name__ == "__main__":
    main(sys.argv[1])
