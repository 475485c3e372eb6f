"""SIGTERM and SIGHUP end a command as Ctrl-C does, with the exit code of the signal."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from zoo.cli.signals import Signals

EXPERIMENT = """
references = false
[data]
source = { name = "synthetic-shop", customers = 150, items = 80 }
[split]
cuts = [0.7, 0.8]
[evaluate]
metrics = ["ndcg@5"]
[[model]]
predictor = "popular"
[[model]]
predictor = "waits"
"""
PLUGIN = textwrap.dedent("""
    import os, time
    from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl

    class Waits(Predictor):
        def fit(self, data, context):
            open(os.environ["FITS"], "w").close()
            time.sleep(600)

        def score(self, queries):
            raise NotImplementedError

    @hookimpl
    def zoo_components():
        return [ComponentSpec("waits", "predictor", "waits:Waits", Params, "A test.", capabilities=Capabilities(deterministic=True))]
""")


@pytest.fixture
def at_defaults():
    """Let the signals of this process be as in a shell: a suite in the background may have inherited others."""
    kept = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.robust
def test_finished_rows_make_a_report(tmp_path, number):
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    (tmp_path / "waits.py").write_text(PLUGIN)
    command = [sys.executable, "-m", "zoo", "bench", "experiment.toml", "--out", "out", "--plugin", "waits.py"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "FITS": str(tmp_path / "fits")}, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    while not (tmp_path / "fits").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=600)
    assert process.returncode == 128 + number
    assert stderr.splitlines()[-1] == (
        f"zoo: ended by {number.name}: finished runs are kept; run the same command again to resume."
    )
    assert "| popular |" in (tmp_path / "out" / "report.md").read_text()
    assert not list(tmp_path.glob("out/**/.*"))
    assert not (tmp_path / "out" / "report.html").exists()
    report = subprocess.run(
        [sys.executable, "-m", "zoo", "report", "out"], cwd=tmp_path, capture_output=True, text=True
    )
    assert report.returncode == 0, report.stderr
    assert "popular" in report.stdout
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_an_interrupt(at_defaults, number):
    signals = Signals()
    assert (signals.exit_code, signals.sentence) == (130, "interrupted")
    signals.install()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert (signals.exit_code, signals.sentence) == (128 + number, f"ended by {number.name}")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL  # a second one ends the process
    signal.raise_signal(signal.SIGHUP)  # has no effect while the report is written


def test_an_ignored_signal_stays_ignored(at_defaults):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals = Signals()
    signals.install()
    signal.raise_signal(signal.SIGHUP)
    signals.restore()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
