"""One fresh process per plugin, which tests that its import is light and that saved components give the same outputs."""

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
from zoo.config.candidate_settings import CandidateFeatureSettings
from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.errors import ArtifactError
from zoo.pipeline import FittedPipeline, Rules
from zoo.pipeline.declared_columns import declared_user_columns
from zoo.pipeline.retrieval import Retrieval
from zoo.registry.plugin import Plugin, Source, load_plugin
from zoo.registry.registry import Registry
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.context import RunContext
from zoo.testing import stand_in
from zoo.testing.data import World, shop
from zoo.testing.fresh_report import FreshProcessReport
from zoo.testing.subject import Subject
from zoo.version import __version__

TIMEOUT = 300
"""Seconds."""


@dataclass(frozen=True, eq=False)
class FreshProcess:
    """A process that loads a plugin and its saved components; it starts when `report` is first read.

    Attributes:
        plugin: The plugin.
        subjects: Its components under test.
    """

    plugin: Plugin
    subjects: list[Subject] = field(default_factory=list)

    @cached_property
    def report(self) -> FreshProcessReport:
        """Return the results of the process."""
        before, errors, saved = dict[str, Tensor](), dict[str, str](), dict[str, str]()
        with tempfile.TemporaryDirectory() as folder:
            for at, subject in enumerate(self.subjects):
                if subject.stage in ("dataset", "cleaner", "metric") or subject.problem("answer"):
                    continue
                try:
                    saved[key_of(subject)] = str(save_component(subject, Path(folder) / str(at), before))
                except (Exception, SystemExit) as error:  # a component may raise anything
                    errors[key_of(subject)] = subject.describe_error(error)
            try:
                found, after = self._run(Path(folder), saved)
            except ArtifactError as error:
                return FreshProcessReport([], before, {}, errors, str(error))
        return FreshProcessReport(
            found["heavy"], before, after, {**errors, **found["errors"]}, import_seconds=found["seconds"]
        )

    @cached_property
    def installed(self) -> Registry:
        """Return the registry of all installed plugins, whose names the plugin must not take."""
        return Registry.discover()

    def _run(self, folder: Path, saved: dict[str, str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Run the process, and return its report and the outputs of the components.

        Raises:
            ArtifactError: The process failed, or exceeded the time limit.
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
            raise ArtifactError(f"the fresh process did not finish within {TIMEOUT} s") from None
        if done.returncode:
            raise ArtifactError(f"the fresh process failed: {done.stderr.strip()[-600:]}")
        if not (folder / "report.json").exists():
            raise ArtifactError(
                "the fresh process ended without a report: the plugin or a component of it calls sys.exit"
            )
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        answers = folder / "answers.safetensors"
        return report, load_file(answers) if answers.exists() else {}


def key_of(subject: Subject) -> str:
    """Return the key of a component in the report."""
    return f"{subject.stage}/{subject.name}"


def save_component(subject: Subject, folder: Path, before: dict[str, Tensor] | None = None) -> Path:
    """Save a component that is fitted on the shop as an artifact, and put its outputs into `before`.

    For the outputs, the component is fitted anew, so that they do not depend on earlier queries.

    Raises:
        ArtifactError: Its state is neither tensors nor JSON.
    """
    world = subject.world if before is None else shop()
    part = subject.fitted if before is None else subject.fit(world)
    save_artifact(_artifact(subject, part, world), folder)
    if before is not None:
        before[key_of(subject)] = subject.ask(part, world)
    return folder


def _artifact(subject: Subject, part: Any, world: World) -> Artifact:
    """Return an artifact whose pipeline contains the fitted component, with a stand-in predictor unless it is one itself."""
    (other,) = Registry([stand_in_plugin()]).components("predictor")
    chosen, predictor = Chosen(subject.component, subject.params), Chosen(other, other.params())
    slots: dict[str, Any] = {"predictor": predictor}
    slots[subject.stage if subject.stage == "predictor" else f"{subject.stage}s"] = (
        chosen if subject.stage == "predictor" else (chosen,)
    )
    scores = CandidateFeatureSettings(groups=["score"])  # the features of the kit's lists, on which rankers are fitted
    model = ResolvedModel("conformance", candidate_features=scores, **slots)
    data, log = world.data(subject.capabilities), world.training
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
    of_users = declared_user_columns(model, world.users)
    pipeline = FittedPipeline(
        model, retrieval, stages["featurizer"], stages["ranker"], ranking, features, users=of_users
    )
    users = pa.array(map(str, range(log.n_users)), pa.string())
    entry = LogEntry(
        clock=log.clock, event_names=list(log.event_names), event_weights=log.event_weights.tolist(),
        default_event=log.event_names[0], end=int(log.times.max()), ties=log.ties,
    )  # fmt: skip
    eligible = np.arange(log.n_items + 1) > 0
    return Artifact(pipeline, Rules(eligible), 200, world.catalogue, users, log, entry, {})


def stand_in_plugin() -> Plugin:
    """Return the plugin with the kit's stand-in predictor."""
    return plugin_of(stand_in, "kit", "shopzoo-testing", __version__)


def plugin_of(module: ModuleType, name: str, distribution: str, version: str) -> Plugin:
    """Return the plugin of a module that is already imported."""
    return load_plugin(Source(name, distribution, version, lambda: module))
