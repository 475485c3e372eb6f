"""A plugin that ends the process while it is imported is named, and an artifact imports only the plugins that it needs."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest

import zoo
from zoo.errors import PluginError
from zoo.registry.discovery import discover_plugins
from zoo.registry.loading import LoadingWatch
from zoo.registry.registry import Registry

HOOK = """
from zoo.api import ComponentSpec, Params, Predictor, hookimpl

class Mine(Predictor):
    pass

@hookimpl
def zoo_components():
    return [ComponentSpec("mine", "predictor", "{target}:Mine", Params, "My own.", api=2)]
"""


def install(folder, name, body):
    """Install a distribution of one module."""
    (folder / f"{name}-1.0.dist-info").mkdir()
    (folder / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (folder / f"{name}-1.0.dist-info" / "entry_points.txt").write_text(f"[shopzoo]\n{name}={name}\n")
    (folder / f"{name}.py").write_text(textwrap.dedent(body))


def command(folder, *arguments, plugins):
    """Start `zoo ARGUMENTS` with the core, and these plugins of a folder."""
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "ZOO_PLUGINS": plugins},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


REMEDY = "Fix or update the plugin, or run with ZOO_DISABLE_PLUGINS=ends."


def test_a_plugin_that_ends_the_process_is_named(tmp_path):
    install(tmp_path, "ends", "import os\nos._exit(0)\n")
    _, told = command(tmp_path, "list", plugins="core,ends").communicate()
    assert told == f"zoo: the process ended while it loaded the plugin ends 1.0. {REMEDY}\n"


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.robust
def test_a_plugin_that_never_returns_is_named_when_the_process_is_ended(tmp_path, sign):
    install(tmp_path, "ends", """
        import pathlib, time
        pathlib.Path(__file__).with_name("loading").touch()
        while True:
            time.sleep(0.01)
    """)  # fmt: skip
    process = command(tmp_path, "list", plugins="core,ends")
    while not (tmp_path / "loading").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(sign)
    _, told = process.communicate()
    if sign == signal.SIGINT:
        assert process.returncode == 130
        expected = "zoo: interrupted while it loaded the plugin ends 1.0. To leave the plugin out, run with ZOO_DISABLE_PLUGINS=ends."
        assert told.strip() == expected
    elif sign == signal.SIGTERM:
        assert process.returncode == 143
        expected = "zoo: ended by SIGTERM while it loaded the plugin ends 1.0. To leave the plugin out, run with ZOO_DISABLE_PLUGINS=ends."
        assert told.strip() == expected
    else:
        assert f"zoo: the process ended while it loaded the plugin ends 1.0. {REMEDY}\n" in told


def test_a_plugin_that_raises_an_interrupt_is_named(tmp_path):
    file = tmp_path / "interrupting_model.py"
    file.write_text("raise KeyboardInterrupt\n")
    with pytest.raises(
        KeyboardInterrupt,
        match=r"^ while it loaded the plugin interrupting_model file\. To leave the plugin out, run without --plugin$",
    ):
        discover_plugins([file], env={"ZOO_PLUGINS": "core"})


def test_a_plugin_that_raises_no_exception_but_a_base_exception_is_broken(tmp_path):
    file = tmp_path / "cancelling_model.py"
    file.write_text("import asyncio\nraise asyncio.CancelledError('no')\n")
    _, broken = discover_plugins([file], env={"ZOO_PLUGINS": "core"})
    assert [b.error.partition(" (")[0] for b in broken] == ["CancelledError: no"]


@pytest.mark.robust
def test_a_class_whose_module_exits_is_told_and_one_that_ends_the_process_is_named(tmp_path):
    file = tmp_path / "exiting_model.py"
    file.write_text(HOOK.format(target="exiting_target"))
    sys.path.insert(0, str(tmp_path))
    try:
        (tmp_path / "exiting_target.py").write_text("raise SystemExit(3)\n")
        component = Registry.discover([file]).find("predictor", "mine")
        with pytest.raises(PluginError, match=r"its class 'exiting_target:Mine' cannot be imported: SystemExit: 3"):
            component.target()
    finally:
        sys.path.remove(str(tmp_path))
        del sys.modules["exiting_model"]
    (tmp_path / "exiting_target.py").write_text("import os\nos._exit(0)\n")
    process = command(tmp_path, "doctor", "--plugin", file, plugins="core")
    assert process.communicate()[1] == (
        "zoo: the process ended while it loaded the plugin exiting_model file. Fix or update the plugin, or run without --plugin.\n"
    )


def test_nothing_is_printed_or_left_after_a_plugin_has_loaded(capfd):
    with LoadingWatch() as watch:
        for name in ("a", "b\nc"):
            with watch.load(name, "1.0"):
                pass
        shell = watch._shell
    assert shell.returncode == 0
    assert capfd.readouterr() == ("", "")


def test_without_a_shell_plugins_load_as_before(monkeypatch):
    monkeypatch.setattr("zoo.registry.loading.SHELL", "/nowhere/sh")
    with LoadingWatch() as watch, watch.load("a", "1.0"):
        pass
    assert watch._shell is None


@pytest.mark.robust
def test_an_artifact_imports_only_the_plugins_that_it_needs(tmp_path):
    config = {
        "data": {"source": {"name": "synthetic-shop", "customers": 40, "items": 60, "events": 900}},
        "split": {"cuts": [0.8]},
        "model": [{"predictor": "popular", "rankers": ["mmr"], "featurizer": {"name": "tf-idf", "columns": ["title"]}}],
    }
    artifact = zoo.fit(config, out=tmp_path / "model")
    install(tmp_path, "ends", "import os\nos._exit(0)\n")
    process = command(tmp_path, "recommend", tmp_path / "model", "--user", "c000001", "--k", "3", plugins="")
    shown, told = process.communicate()
    assert (process.returncode, told) == (0, "")
    for item in artifact.recommend("c000001", k=3):
        assert re.search(rf"\b{item.item_id}\b", shown)
