"""Resolve the component names of a manifest to installed components of a compatible version."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, get_args

from zoo.artifacts.manifest import ArtifactManifest, ModelEntry
from zoo.config.candidate_settings import CandidateFeatureSettings
from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.config.variables import Variables, expand_variables
from zoo.errors import ArtifactError, ConfigError, UnknownComponentError
from zoo.neural_params import MOVED, NeuralRankerParams
from zoo.params import validated
from zoo.registry.component import Component
from zoo.registry.plugin import FILE_VERSION
from zoo.registry.registry import Registry
from zoo.spec import StageName
from zoo.version import __version__

CORE = "shopzoo"


def versions_of(model: ResolvedModel) -> dict[str, str]:
    """Return the versions of the core and of the plugins of a model's components."""
    plugins = {distribution: plugin.version for distribution, plugin in model.plugins.items()}
    return {CORE: __version__, **plugins}


def model_of(manifest: ArtifactManifest, registry: Registry, path: str) -> ResolvedModel:
    """Return the model of a manifest; warn if the version of a plugin differs from the artifact's.

    Args:
        manifest: The manifest of the artifact.
        registry: Where components are looked up.
        path: Name of the artifact in messages.

    Raises:
        ArtifactError: A plugin is missing, has an incompatible version, or refuses the parameters.
    """
    _compare(CORE, manifest.versions.get(CORE, "unknown"), __version__, path)
    entry, variables = _expand(manifest.model, path)
    (predictor,) = _resolve_components("predictor", [entry.predictor], manifest, registry, path)
    featurizers, filters, rankers = (
        _resolve_components(stage, listed, manifest, registry, path)
        for stage, listed in (("featurizer", entry.featurizers), ("filter", entry.filters), ("ranker", entry.rankers))
    )
    context = {"candidate_features": registry.extensions["candidate-features"]}
    candidate_features = validated(
        CandidateFeatureSettings, entry.candidate_features, f"{path}: candidate_features", context
    )
    plugins = registry.plugins_of("candidate-features", candidate_features.names or ())
    parts = (predictor, featurizers, filters, rankers)
    model = ResolvedModel(entry.label, *parts, candidate_features, feature_plugins=plugins, variables=variables)
    for distribution, version in versions_of(model).items():
        if distribution != CORE:
            _compare(distribution, manifest.versions.get(distribution, "unknown"), version, path)
    return model


def _expand(entry: ModelEntry, path: str) -> tuple[ModelEntry, Variables]:
    """Return the components with `${VAR}` expanded, which artifacts contain as the experiment file did.

    Raises:
        ArtifactError: A variable is not set.
    """
    try:
        plain, variables = expand_variables(entry.model_dump(exclude={"label", "train", "ranker_train"}), os.environ)
    except ConfigError as error:
        raise ArtifactError(f"{path}: {error}") from None
    return entry.model_copy(update=plain), variables


def _resolve_components(
    stage: Any, listed: Iterable[dict[str, Any]], manifest: ArtifactManifest, registry: Registry, path: str
) -> tuple[Chosen, ...]:
    """Return the components of one stage with their parameters."""
    return tuple(_one(stage, dict(values), manifest, registry, path) for values in listed)


def _one(stage: StageName, values: dict[str, Any], manifest: ArtifactManifest, registry: Registry, path: str) -> Chosen:
    """Return a component with its parameters."""
    name = str(values.pop("name", ""))
    try:
        component = registry.find(stage, name)
        if issubclass(component.spec.params, NeuralRankerParams):  # as artifacts of API 1 have them
            values = {k: v for k, v in values.items() if k not in MOVED or k in component.spec.params.model_fields}
        refuse_paths(component, values, path)
        return Chosen(
            component, component.params(values, name, {"losses": None, "samplers": None})
        )  # it is not trained, so its loss does not have to be installed
    except UnknownComponentError:
        raise ArtifactError(f"{path} needs the {stage} {name!r}. {_remedy(name, manifest, registry)}") from None
    except ConfigError as error:
        raise ArtifactError(
            f"{path}: {error} The installed version does not accept the artifact's parameters."
        ) from None


def refuse_paths(component: Component, values: Mapping[str, Any], path: str) -> None:
    """Refuse parameters that name a file: an artifact names no path, so that loading it opens none.

    Raises:
        ArtifactError: A parameter whose type is a path has a value.
    """
    for key, field in component.spec.params.model_fields.items():
        if values.get(key) is not None and _is_path(field.annotation):
            raise ArtifactError(
                f"{path}: {component.name}.{key} names the file {str(values[key])[:60]!r}, expected no path in an artifact. "
                "Read the file when the experiment is read, and keep what it contains."
            )


def _is_path(annotation: Any) -> bool:
    """Return whether a type is a path, or contains one."""
    own = isinstance(annotation, type) and issubclass(annotation, PurePath)
    return own or any(map(_is_path, get_args(annotation)))


def _remedy(name: str, manifest: ArtifactManifest, registry: Registry) -> str:
    """Return the advice for a missing component."""
    distribution = name.partition("/")[0]
    version = manifest.versions.get(distribution, "unknown")
    if version == FILE_VERSION:
        return f"It was in a file {distribution}.py: pass it with --plugin {distribution}.py."
    if any(broken.distribution == distribution for broken in registry.broken):
        return f"{distribution} is installed and failed to load: `zoo doctor` tells why."
    if any(plugin.distribution == distribution for plugin in registry.plugins):
        return f"The installed {distribution} has no component of this name: pip install '{distribution}=={version}'"
    return f"{distribution} is not installed: pip install '{distribution}=={version}'"


def _compare(distribution: str, saved: str, installed: str, path: str) -> None:
    """Warn if the installed version differs from the artifact's; refuse one that is not compatible with it.

    Raises:
        ArtifactError: The major versions differ or, as long as the major version is 0, the minor versions.
    """
    if saved == installed:
        return
    mismatch = f"{path} was saved with {distribution} {saved}, and {distribution} {installed} is installed"
    if _series(saved) != _series(installed):
        raise ArtifactError(
            f"{mismatch}, which is not compatible with it. Fit the model again, or pip install '{distribution}=={saved}'"
        )
    warnings.warn(f"{mismatch}: check that its recommendations are the same.", stacklevel=2)


def _series(version: str) -> tuple[str, ...]:
    """Return the part of a version that compatible versions share: `1` of 1.4.2, and `0.4` of 0.4.2."""
    epoch, _, release = version.rpartition("!")
    numbers = re.match(r"v?(\d+)(?:\.(\d+))?", release)
    if numbers is None:  # not a version number: only the same text is compatible
        return (version,)
    major, minor = int(numbers[1]), int(numbers[2] or 0)
    return (epoch, str(major)) if major else (epoch, str(major), str(minor))
