"""Executors: several processes give the rows of one, and what cannot be asked for is refused before anything is read."""

import os
import textwrap

import pytest

import zoo
from zoo.benchmark.executors.choose import choose_executor
from zoo.benchmark.executors.requests import requests_of
from zoo.benchmark.executors.task_processes import map_in_processes
from zoo.benchmark.progress import Progress
from zoo.config.load import experiment_from
from zoo.errors import ConfigError, DataError, ResourceError

EXPERIMENT = {
    "data": {
        "source": {"name": "synthetic-shop", "customers": 60, "items": 40, "events": 1500},
        "accept": ["few-queries", "few-validation-queries", "seen-targets"],
    },
    "train": {"threads": 1, "seeds": [0, 1], "max_epochs": 1},
    "references": False,
    "model": [{"predictor": "popular"}, {"label": "again", "predictor": "popular"}, {"predictor": "bpr-mf"}],
}


class Told(Progress):
    """Notes which runs begin and end."""

    def __init__(self):
        self.events = []

    def planned(self, plan):
        self.events.append(("at once", plan.at_once))

    def started(self, label, seed, *, again):
        self.events.append(("started", label, seed))

    def finished(self, row, *, resumed):
        self.events.append(("resumed" if resumed else "finished", row.label, row.seed))


def rows(result):
    """Return what must not depend on the executor."""
    return {(row.key, row.label, row.seed): (row.metrics, row.slices, row.error) for row in result.rows()}


def lists(result):
    """Return the lists of all runs by model and seed."""
    return {(row.label, row.seed): result.lists(row).to_pydict() for row in result.rows()}


def test_several_processes_give_the_same_rows_and_lists(tmp_path):
    here, told = zoo.bench(EXPERIMENT, tmp_path / "here"), Told()
    there = zoo.bench(EXPERIMENT, tmp_path / "there", executor="processes=2", progress=told)
    assert rows(there) == rows(here)
    assert lists(there) == lists(here)
    assert told.events[0] == ("at once", True)
    names = [("popular", None), ("bpr-mf", 0), ("bpr-mf", 1)]
    assert {event for event in told.events if event[0] == "started"} == {("started", *name) for name in names}
    assert {event for event in told.events if event[0] == "finished"} == {("finished", *name) for name in names}
    assert ("resumed", "again", None) in told.events
    told.events.clear()
    assert rows(zoo.bench(EXPERIMENT, tmp_path / "there", executor="processes=2", progress=told)) == rows(here)
    assert {event[0] for event in told.events} == {"at once", "resumed"}


def test_an_executor_of_a_plugin_does_the_runs(tmp_path):
    file = tmp_path / "reversing.py"
    file.write_text(
        textwrap.dedent(
            '''
            from zoo.api import Executor, ExecutorSpec, FinishedRun, Params, hookimpl, perform_run


            class Options(Params):
                """Whether the first run is lost."""

                lose: str = ""
                """The name of a run that is lost."""


            class Reversing(Executor[Options]):
                def run(self, jobs):
                    for job in reversed(jobs):
                        for run in job:
                            run.started()
                            if run.name == self.params.lose:
                                yield FinishedRun(run, error="the cat took it")
                            else:
                                yield FinishedRun(run, *perform_run(run.request()))


            @hookimpl
            def zoo_executors():
                return [ExecutorSpec("reversing", "reversing:Reversing", Options, "Does the last first.", value="lose")]
            '''
        )
    )
    here, told = zoo.bench(EXPERIMENT, tmp_path / "here", plugins=[file]), Told()
    there = zoo.bench(EXPERIMENT, tmp_path / "there", plugins=[file], executor="reversing", progress=told)
    assert rows(there) == rows(here)
    assert next(event[1:] for event in told.events if event[0] == "started") == ("bpr-mf", 1)
    with pytest.raises(ConfigError, match=r"Reversing does the runs of benchmarks only: it does not override `map`\."):
        choose_executor([file], "reversing").map(dict, {}, [], 1)
    lost = zoo.bench(EXPERIMENT, tmp_path / "lost", plugins=[file], executor="reversing=bpr-mf, seed 1")
    assert {row.error for row in lost.rows()} == {None, "the cat took it"}
    assert rows(zoo.bench(EXPERIMENT, tmp_path / "lost", plugins=[file])) == rows(here)


@pytest.mark.parametrize(("given", "message"), [
    ({"executor": "processs"}, r"--executor: no executor 'processs'\. Did you mean 'processes'\? Installed: local, processes"),
    ({"executor": "local=2"}, r"--executor local takes no value, found '2'\. Write --executor local\."),
    ({"executor": "processes=0"}, r"--executor processes\.workers: expected a number of at least 1, found 0\."),
    ({"executor": "processes=two"}, r"--executor processes\.workers: expected a whole number, found 'two'\."),
    ({"executor": "local", "isolate": True}, r"--isolate and --executor local exclude each other: leave one out\."),
    ({"address": "auto"}, r"--address auto is not for the executor 'local', which has no cluster\. Remove it\."),
])  # fmt: skip
def test_what_cannot_be_asked_for_is_refused_before_anything_is_read(tmp_path, given, message):
    with pytest.raises(ConfigError, match=message):
        zoo.bench(tmp_path / "nowhere.toml", tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_resources_are_no_setting_of_a_model(tmp_path):
    model = {"predictor": "popular", "resources": {"cpus": 2, "gpus": 0.5, "memory": 4}}
    plain, asking = (
        zoo.bench({**EXPERIMENT, "model": [chosen]}, tmp_path / str(at))
        for at, chosen in enumerate([{"predictor": "popular"}, model])
    )
    assert rows(plain) == rows(asking)


def test_a_progress_that_raises_ends_the_benchmark(tmp_path):
    class Cancelled(Progress):
        def phase(self, *arguments, **more):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        zoo.bench(EXPERIMENT, tmp_path / "out", isolate=True, progress=Cancelled())


def test_plugins_may_be_an_iterator(tmp_path):
    file = tmp_path / "nothing_to_add.py"
    file.write_text("from zoo.api import hookimpl\n\n\n@hookimpl\ndef zoo_components():\n    return []\n")
    result = zoo.bench({**EXPERIMENT, "model": [{"predictor": "popular"}]}, tmp_path / "out", plugins=iter([file]))
    assert len(result.rows()) == 1


def test_a_share_of_several_cards_is_refused(tmp_path):
    model = {"predictor": "popular", "resources": {"gpus": 1.5}}
    with pytest.raises(
        ConfigError, match=r"gpus: expected a share of one card, or a whole number of cards, found 1\.5"
    ):
        zoo.bench({**EXPERIMENT, "model": [model]}, tmp_path / "out")


def test_variables_with_one_value_reach_the_processes(tmp_path):
    experiment = experiment_from({**EXPERIMENT, "model": [{"label": "${A_NAME}-${B_NAME}", "predictor": "popular"}]}, env={"A_NAME": "same", "B_NAME": "same"})  # fmt: skip
    assert requests_of(experiment, tmp_path)["env"] == {"A_NAME": "same", "B_NAME": "same"}


class Squares:
    """A function whose tasks may fail or end their process."""

    def __init__(self, request):
        self.request = request

    def __call__(self, task):
        if task == self.request.get("wrong"):
            raise DataError(f"task {task} is wrong.", "Mend it.")
        if task == self.request.get("killed"):
            os._exit(3)
        return {"square": task * task}


def test_tasks_are_mapped_in_processes():
    found = list(map_in_processes(2, Squares, {}, range(5), 1))
    assert sorted(answer["square"] for answer in found) == [0, 1, 4, 9, 16]
    assert list(map_in_processes(2, Squares, {}, [], 1)) == []
    with pytest.raises(DataError, match=r"task 1 is wrong\. Mend it\."):
        list(map_in_processes(1, Squares, {"wrong": 1}, range(3), 1))
    with pytest.raises(
        ResourceError, match=r"a process of --executor processes ended without a result, .* Run the same command"
    ):
        list(map_in_processes(1, Squares, {"killed": 1}, range(3), 1))
