"""What the command line does as a whole: help, errors, interruption."""

import sys

import pytest

from zoo.benchmark.fit_model import training_folder
from zoo.cli.entry import run
from zoo.errors import ResultsError
from zoo.version import __version__


def test_help_names_every_command(zoo):
    text = zoo("--help").stdout
    assert all(f"\n  {name} " in text for name in ("list", "show", "bench", "report", "config", "doctor"))


def test_the_version_is_that_of_the_package(zoo):
    assert zoo("--version").stdout == f"zoo, version {__version__}\n"


def test_an_interrupted_benchmark_says_that_finished_runs_are_kept(zoo, monkeypatch, tmp_path):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.benchmark.python.calls.bench", interrupted)
    monkeypatch.chdir(tmp_path)

    def last_line():
        return zoo("bench", "shop.toml", code=130).stderr.splitlines()[-1]

    assert last_line() == "zoo: interrupted."  # nothing is kept
    checkpoint = tmp_path / "runs" / "shop" / "training" / "a" / "net.checkpoint.safetensors"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    assert last_line() == "zoo: interrupted: run the same command again to resume from the last saved epoch."
    (tmp_path / "runs" / "shop" / "runs").mkdir()
    assert last_line() == "zoo: interrupted: run the same command again to resume from the last saved epoch."
    (tmp_path / "runs" / "shop" / "runs" / "0123.json").touch()
    assert last_line() == "zoo: interrupted: finished runs are kept; run the same command again to resume."


@pytest.mark.parametrize("out", [".", "/", "link", "inner/.."])
def test_an_interrupted_fit_looks_where_the_checkpoints_are(zoo, monkeypatch, tmp_path, out):
    def interrupted(*args, out, **kwargs):
        training = training_folder(out)
        if tmp_path in training.parents:
            training.mkdir()
            (training / "net.checkpoint.safetensors").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.benchmark.fit_model.fit", interrupted)
    monkeypatch.setattr("zoo.config.load.load_experiment", lambda *_: None)
    (tmp_path / "out" / "inner").mkdir(parents=True)
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "out")
    resumes = "" if out == "/" else ": run the same command again to resume from the last saved epoch"
    assert zoo("fit", "shop.toml", "--out", out, code=130).stderr.splitlines()[-1] == f"zoo: interrupted{resumes}."
    assert (tmp_path / ("elsewhere.training" if out == "link" else "out.training")).exists() == (out != "/")


def test_a_fit_into_the_current_folder(zoo, monkeypatch, tmp_path):
    (tmp_path / "e.toml").write_text(
        '[data]\nsource = { name = "synthetic-shop", customers = 40, items = 60, events = 900 }\n'
        '[split]\ncuts = [0.8]\n[[model]]\npredictor = "popular"\n'
    )
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    said = zoo("fit", tmp_path / "e.toml", "--out", ".").stdout
    monkeypatch.chdir(tmp_path)
    assert f"zoo recommend {out} --user" in said
    assert (out / "zoo.json").exists()


def test_an_interrupted_fit_says_that_it_resumes_only_if_it_does(zoo, monkeypatch, tmp_path):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.benchmark.fit_model.fit", interrupted)
    monkeypatch.setattr("zoo.config.load.load_experiment", lambda *_: None)
    command = ("fit", "shop.toml", "--out", tmp_path / "out")
    assert zoo(*command, code=130).stderr.splitlines()[-1] == "zoo: interrupted."
    (tmp_path / "out.training").mkdir()
    (tmp_path / "out.training" / "net.checkpoint.safetensors").touch()
    assert zoo(*command, code=130).stderr.splitlines()[-1] == (
        "zoo: interrupted: run the same command again to resume from the last saved epoch."
    )


def test_an_interruption_while_the_command_is_imported_is_no_traceback(monkeypatch, capsys):
    class Interrupts:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "zoo.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "zoo.cli.main")
    monkeypatch.setattr(sys, "meta_path", [Interrupts, *sys.meta_path])
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 130
    assert capsys.readouterr().err == "\nzoo: interrupted.\n"


def test_bench_hands_everything_over(zoo, monkeypatch, tmp_path):
    asked = {}

    def bench(file, *, out, **options):
        asked.update(file=file, out=out, **options)
        raise ResultsError("the folder holds something else")

    monkeypatch.setattr("zoo.benchmark.python.calls.bench", bench)
    stderr = zoo(
        "bench", "shop.toml", "--out", tmp_path, "--set", "train.refit=false", "--set", "a.b=1", "--plugin", "m.py",
        code=2,
    ).stderr  # fmt: skip
    assert stderr.splitlines()[-1] == "zoo: the folder holds something else"
    assert (str(asked["file"]), asked["out"]) == ("shop.toml", tmp_path)
    assert asked["overrides"] == ("train.refit=false", "a.b=1")
    assert [str(p) for p in asked["plugins"]] == ["m.py"]


def test_a_report_of_a_folder_without_results_is_refused(zoo, tmp_path):
    stderr = zoo("report", tmp_path, code=2).stderr
    assert stderr.startswith(f"zoo: {tmp_path} holds no results: ")


@pytest.mark.parametrize("arguments", [("bench",), ("list", "--stage", "nope"), ("nope",)])
def test_a_wrong_call_is_explained_with_exit_code_2(zoo, arguments):
    assert "Usage: zoo" in zoo(*arguments, code=2).stderr
