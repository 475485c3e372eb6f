"""One fresh process for a plugin: is it light to import, and do saved components answer there as they do here?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
from safetensors.torch import load_file
from torch import Tensor

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.manifest import LogEntry
from zoo.artifacts.saving import save_artifact
from zoo.config.resolved import Chosen, ResolvedModel
from zoo.errors import ArtifactError
from zoo.pipeline import FittedPipeline, Rules
from zoo.pipeline.retrieval import Retrieval
from zoo.registry.plugin import Plugin, Source, loaded
from zoo.registry.registry import Registry
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.context import RunContext
from zoo.testing import stand_in
from zoo.testing.data import World, shop
from zoo.testing.fresh_report import Report
from zoo.testing.subject import Subject
from zoo.version import __version__

TIMEOUT = 300
"""Seconds."""


@dataclass(frozen=True, eq=False)
class FreshProcess:
    """A process that has nothing but a plugin and what its fitted components were saved as; started when first asked of.

    Attributes:
        plugin: The plugin.
        subjects: Its components under test.
    """

    plugin: Plugin
    subjects: list[Subject] = field(default_factory=list)

    @cached_property
    def report(self) -> Report:
        """Return what it found."""
        before, errors, saved = dict[str, Tensor](), dict[str, str](), dict[str, str]()
        with tempfile.TemporaryDirectory() as folder:
            for at, subject in enumerate(self.subjects):
                if subject.stage in ("dataset", "metric") or subject.trouble("answer"):
                    continue
                try:
                    saved[key_of(subject)] = str(saved_component(subject, Path(folder) / str(at), before))
                except Exception as error:  # whatever it is, it is the component's
                    errors[key_of(subject)] = subject.told(error)
            try:
                found, after = self._run(Path(folder), saved)
            except ArtifactError as error:
                return Report([], before, {}, errors, str(error))
        return Report(found["heavy"], before, after, {**errors, **found["errors"]})

    def _run(self, folder: Path, saved: dict[str, str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Run the process, and return what it reports and what the components answered.

        Raises:
            ArtifactError: The process came to no end, or to a bad one.
        """
        job = folder / "job.json"
        plugin = self.plugin
        file = str(Path(str(plugin.module.__file__)).resolve()) if plugin.is_file else None
        about = {
            "module": plugin.module.__name__, "file": file, "name": plugin.name, "distribution": plugin.distribution,
            "version": plugin.version, "saved": saved,
        }  # fmt: skip
        job.write_text(json.dumps(about), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        command = [sys.executable, "-m", "zoo.testing.fresh_main", str(job)]
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT, cwd=folder
            )
        except subprocess.TimeoutExpired:
            raise ArtifactError(f"the fresh process was not done after {TIMEOUT} s") from None
        if done.returncode:
            raise ArtifactError(f"the fresh process failed: {done.stderr.strip()[-600:]}")
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        answers = folder / "answers.safetensors"
        return report, load_file(answers) if answers.exists() else {}


def key_of(subject: Subject) -> str:
    """Return what a component is called between the two processes."""
    return f"{subject.stage}/{subject.name}"


def saved_component(subject: Subject, folder: Path, before: dict[str, Tensor] | None = None) -> Path:
    """Save a component, fitted on the shop, as an artifact, and note what it answers after that.

    Raises:
        ArtifactError: Its state is neither tensors nor JSON.
    """
    world = shop()
    part = subject.fit(world)
    save_artifact(_artifact(subject, part, world), folder)
    if before is not None:
        before[key_of(subject)] = subject.ask(part, world)
    return folder


def _artifact(subject: Subject, part: Any, world: World) -> Artifact:
    """Return an artifact whose pipeline has the fitted component in its slot, and a stand-in predictor if that is another."""
    (other,) = Registry([stand_in_plugin()]).components("predictor")
    chosen, predictor = Chosen(subject.component, subject.params), Chosen(other, other.params())
    slots: dict[str, Any] = {"predictor": predictor}
    slots[subject.stage if subject.stage == "predictor" else f"{subject.stage}s"] = (
        chosen if subject.stage == "predictor" else (chosen,)
    )
    model, data, log = ResolvedModel("conformance", **slots), world.data(subject.capabilities), world.training
    stages: dict[str, Any] = {"filter": (), "featurizer": (), "ranker": (), subject.stage: (part,)}
    ranking = None
    if subject.stage != "predictor":
        part = predictor.build()
        part.fit(data, RunContext())
    if stages["ranker"]:
        ranking = CandidateFeatures(model.candidate_features)
        ranking.fit(data)
    known_users = np.concatenate([[False], log.lengths > 0])
    retrieval = Retrieval.of(model, part, stages["filter"], log.known, known_users)
    features = None if subject.capabilities.features == "none" else world.features
    pipeline = FittedPipeline(model, retrieval, stages["featurizer"], stages["ranker"], ranking, features)
    users = pa.array(map(str, range(log.n_users)), pa.string())
    entry = LogEntry(
        clock=log.clock, event_names=list(log.event_names), event_weights=log.event_weights.tolist(),
        default_event=log.event_names[0], end=int(log.times.max()),
    )  # fmt: skip
    eligible = np.arange(log.n_items + 1) > 0
    return Artifact(pipeline, Rules(eligible), 200, world.catalogue, users, log, entry, {})


def stand_in_plugin() -> Plugin:
    """Return the plugin of the kit's own predictor."""
    return plugin_of(stand_in, "kit", "shopzoo-testing", __version__)


def plugin_of(module: ModuleType, name: str, distribution: str, version: str) -> Plugin:
    """Return a plugin that is already imported."""
    return loaded(Source(name, distribution, version, lambda: module))
