"""A third task, the next basket of each user: one entry in the table of tasks, and the classes of this module."""

import time
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
from pydantic import Field

import zoo
from zoo.benchmark.comparison import Measurement, count_parameters
from zoo.benchmark.results_folder.export import export, read_runs
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.tables.comparison_tables import main_table
from zoo.config.chosen import Chosen
from zoo.config.experiment import DataSettings
from zoo.config.experiment_file import (
    EvaluateTable,
    ExperimentFile,
    MetricChoice,
    MetricChoices,
    ModelTable,
    PredictorChoice,
)
from zoo.config.json_schema import experiment_schema
from zoo.config.load import experiment_from
from zoo.config.lookup import Lookup
from zoo.config.resolved_base import BaseResolvedExperiment, BaseResolvedModel
from zoo.config.tasks import TASKS, TaskEntry
from zoo.data.log import read_data
from zoo.data.queries import Queries, Targets
from zoo.errors import ConfigError
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts
from zoo.params import StrictTable, validated
from zoo.registry.registry import Registry
from zoo.stages.candidates import Exclusions
from zoo.stages.context import RunContext
from zoo.stages.stage import TrainingData

DAY = 24 * 60 * 60 * 1000


class LastBasket(StrictTable):
    """The last day of each user tests."""

    policy: Literal["last-basket"] = "last-basket"


class BasketEvaluate(EvaluateTable):
    """`[evaluate]`: how baskets are measured."""

    metrics: MetricChoices = [MetricChoice.model_validate("recall@2")]  # noqa: RUF012
    bootstrap: int = Field(1000, ge=100)


class BasketModel(ModelTable):
    """`[[model]]`: a predictor."""

    predictor: PredictorChoice

    @property
    def name(self):
        return self.label or self.predictor.name


class BasketFile(ExperimentFile):
    """An experiment file with `task = "next-basket"`."""

    task: Literal["next-basket"]
    data: DataSettings
    split: LastBasket = LastBasket()
    evaluate: BasketEvaluate = BasketEvaluate()
    model: list[BasketModel] = Field(min_length=1)


@dataclass(frozen=True)
class ResolvedBasketModel(BaseResolvedModel):
    predictor: Chosen

    @property
    def parts(self):
        return (self.predictor,)

    def slots(self):
        return {"predictor": self.predictor.as_json()}


@dataclass(frozen=True)
class ResolvedBaskets(BaseResolvedExperiment):
    @property
    def bootstrap(self):
        return self.experiment.evaluate.bootstrap


def resolve_baskets(raw, registry, base):
    file, lookup = validated(BasketFile, raw, ""), Lookup(registry, base)
    source = lookup.one("dataset", file.data.source, "data.source")
    metrics = lookup.many("metric", file.evaluate.metrics, "evaluate.metrics")
    found = [(m, lookup.one("predictor", m.predictor, f"model[{i}].predictor")) for i, m in enumerate(file.model, 1)]
    if lookup.problems:
        raise ConfigError("\n".join(lookup.problems))
    return ResolvedBaskets(file, source, metrics, tuple(ResolvedBasketModel(m.name, p) for m, p in found), registry)


class BasketComparison:
    has_artifacts = False
    references = ()
    hints = ()
    has_validation = False
    users = None
    size = None

    def __init__(self, experiment, device):
        data = read_data(experiment.source.build().read(), experiment.experiment.data)
        log, self.catalogue, self.device = data.log, data.catalogue, device
        day = log.times // DAY
        last = day == day[log.offsets[1:] - 1][log.users]
        baskets, before = log.where(last), log.where(~last)
        items = baskets.items[np.lexsort((baskets.items, baskets.users))]
        targets = Targets(baskets.offsets, items, np.zeros(len(items), np.bool_))
        self.training = TrainingData.of(before, data.catalogue)
        self.queries = Queries.of_histories(before, targets)
        eligible = np.arange(log.n_items + 1) > 0
        facts = Facts.of(before, data.catalogue, eligible)
        self.evaluator = Evaluator([m.build() for m in experiment.metrics], facts, resamples=experiment.bootstrap)
        self.notes = {**data.notes, "baskets": len(self.queries)}
        self.starts = {}
        self.findings = []
        self.metrics = {m.name: m.higher_is_better for m in self.evaluator.metrics}
        self.description = {"task": "next-basket", "metrics": [m.as_json() for m in experiment.metrics]}

    def run_model(self, model, seed, *, folder, progress, cache):
        context = RunContext(seed, self.device, progress=partial(progress.phase, "fit"))
        predictor = model.predictor.build()
        start = time.perf_counter()
        predictor.fit(self.training, context)
        fit_seconds = time.perf_counter() - start
        lists = predictor.recommend(self.queries.blind(), self.evaluator.k, Exclusions.only_padding())
        evaluation = self.evaluator.evaluate(lists, self.queries.answers())
        ids = [self.catalogue.ids.take(pa.array(row)).to_pylist() for row in lists.items.numpy()]
        return Measurement(
            metrics=evaluation.summary(),
            queries=len(self.queries),
            fit_seconds=fit_seconds,
            parameters=count_parameters([predictor]),
            lists=pa.table({"basket": ids, **{n: v.astype(np.float32) for n, v in evaluation.per_query.items()}}),
        )


@pytest.fixture(autouse=True)
def task(monkeypatch):
    comparison = f"{BasketComparison.__module__}:{BasketComparison.__name__}"
    entry = TaskEntry(
        BasketFile, resolve_baskets, comparison, lambda facts: f"the next of {facts.queries} baskets.", "Next baskets."
    )
    monkeypatch.setitem(TASKS, "next-basket", entry)


@pytest.fixture
def experiment(tmp_path):
    """Return an experiment on three users: a and b are bought twice each before the last baskets, c never."""
    events = [
        ("u1", "a", 0), ("u1", "b", 0), ("u1", "a", 1),
        ("u2", "a", 0), ("u2", "b", 1), ("u2", "c", 1),
        ("u3", "b", 0), ("u3", "b", 2),
    ]  # fmt: skip
    lines = [f"{user},{item},{1_700_000_000_000 // DAY * DAY + day * DAY}" for user, item, day in events]
    file = tmp_path / "events.csv"
    file.write_text("\n".join(["user_id,item_id,timestamp", *lines]) + "\n")
    return {
        "task": "next-basket",
        "data": {"source": {"name": "files", "interactions": str(file)}},
        "model": [{"predictor": "popular"}, {"label": "floor", "predictor": "random"}],
    }


def test_it_is_benched_stored_and_reported(experiment, tmp_path):
    store = zoo.bench(experiment, tmp_path / "out")
    popular, floor = store.rows()
    assert (popular.error, floor.error) == (None, None)
    assert popular.metrics["recall@2"][0] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert popular.queries == 3
    assert popular.parameters == 4  # a count for each item and the padding
    assert {*store.lists(popular)["basket"].to_pylist()[0]} == {"a", "b"}
    assert [row[0].text for row in main_table(store).rows] == ["popular", "floor"]
    assert main_table(store).headers[:2] == ["model", "recall@2"]
    report = (tmp_path / "out" / "report.md").read_text()
    assert "the next of 3 baskets." in report
    assert "- baskets: 3" in report
    assert "- **floor**: random" in report
    again = Store(tmp_path / "out")
    assert again.rows() == zoo.bench(experiment, tmp_path / "out").rows()  # finished runs are not made again
    assert len(read_runs(export(again, tmp_path / "kept"))) == 2


def test_its_file_is_checked_and_in_the_schema(experiment):
    with pytest.raises(
        ConfigError, match=r"model\[1\].predictor: no predictor named 'populer'.*Did you mean 'popular'"
    ):
        experiment_from({**experiment, "model": [{"predictor": "populer"}]})
    with pytest.raises(ConfigError, match=r"split\.policy: expected 'last-basket', found 'temporal'"):
        experiment_from({**experiment, "split": {"policy": "temporal"}})
    schema = experiment_schema(Registry([]))
    assert schema["else"]["then"] == {"$ref": "#/$defs/BasketFile"}
    assert schema["$defs"]["BasketModel"]["properties"]["predictor"]["$ref"] == "#/$defs/predictor"


def test_what_only_recommendations_have_is_refused(experiment, tmp_path):
    with pytest.raises(
        ConfigError, match='--keep-artifacts saves models that recommend to users, and task = "next-basket"'
    ):
        zoo.bench(experiment, tmp_path / "out", keep_artifacts=True)
    with pytest.raises(ConfigError, match='expected an experiment that recommends, found task = "next-basket"'):
        experiment_from(experiment).require_recommend()


def test_an_unknown_task_is_refused(experiment):
    with pytest.raises(
        ConfigError,
        match=r"task: expected 'recommend' or 'rank' or 'next-basket', found 'next-baskets'\. Did you mean 'next-basket'\?",
    ):
        experiment_from({**experiment, "task": "next-baskets"})
    with pytest.raises(ConfigError, match=r"task: expected .*, found \['rank'\]"):
        experiment_from({**experiment, "task": ["rank"]})
