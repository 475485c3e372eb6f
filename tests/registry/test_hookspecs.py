"""The door between the core and the plugins: what it is called and what it takes."""

import inspect

from zoo import hookspecs
from zoo.registry.discovery import discover_plugins


def test_the_hooks_and_their_arguments_are_a_contract():
    hooks = {name: str(inspect.signature(f)) for name, f in vars(hookspecs).items() if name.startswith("zoo_")}
    assert hooks == {
        "zoo_components": "() -> list[zoo.spec.ComponentSpec]",
        "zoo_losses": "() -> list[zoo.loss_specs.LossSpec]",
        "zoo_samplers": "() -> list[zoo.sampler_specs.SamplerSpec]",
        "zoo_splits": "() -> list[zoo.extension_specs.SplitSpec]",
        "zoo_candidate_features": "() -> list[zoo.extension_specs.CandidateFeatureSpec]",
        "zoo_executors": "() -> list[zoo.executor_specs.ExecutorSpec]",
        "zoo_commands": "() -> list[zoo.command_specs.CommandSpec]",
        "zoo_callbacks": "(run: zoo.hookspecs.Training) -> list[typing.Any]",
        "zoo_results": "(row: collections.abc.Mapping[str, typing.Any]) -> None",
    }


def test_each_hook_says_what_it_is_for():
    assert all(f.__doc__ for name, f in vars(hookspecs).items() if name.startswith("zoo_"))


def test_a_plugin_may_add_callbacks_and_provide_no_component(tmp_path):
    file = tmp_path / "tracking_plugin.py"
    file.write_text(
        "from zoo.api import hookimpl\n@hookimpl\ndef zoo_callbacks(run):\n    return [f'a tracker of {run}']\n"
    )
    plugins, broken = discover_plugins([file], env={"ZOO_PLUGINS": "core"})
    assert broken == []
    assert (plugins[-1].specs, plugins[-1].warnings) == ((), ())
    assert plugins[-1].hooks.zoo_callbacks(run="a run") == [["a tracker of a run"]]
