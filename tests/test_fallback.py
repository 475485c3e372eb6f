"""The fallback against a loop: which lists a predictor has no answer for, and what fills their slots."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from zoo.config.chosen import Chosen
from zoo.config.experiment import EvaluateSettings, Temporal
from zoo.config.resolved import ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.data.task import Task
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts
from zoo.params import Params
from zoo.pipeline import Rules
from zoo.pipeline.fitting import fit_on_log
from zoo.registry.registry import default_registry
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.context import RunContext
from zoo.stages.filter import Filter
from zoo.stages.predictor import Predictor
from zoo.stages.ranker import Ranker

N_ITEMS = 20
N_USERS = 30


def chosen(stage, name, **params):
    component = default_registry().find(stage, name)
    return Chosen(component, component.params(params))


def model(predictor, **slots):
    return ResolvedModel("model", predictor, **{name: tuple(parts) for name, parts in slots.items()})


@pytest.fixture
def log():
    """Thirty users with eight events on items 1 to 16; items 17 to 20 never occur, and several items occur equally often."""
    rng = np.random.default_rng(3)
    users = np.repeat(np.arange(N_USERS), 8)
    items = np.minimum(rng.geometric(0.15, len(users)), 16)
    return Interactions.from_arrays(users, items, np.arange(len(users)), n_items=N_ITEMS)


@pytest.fixture
def queries(log):
    """The users' whole histories, but none for every third user; every fifth user is new."""
    found = Queries.of_histories(log)
    rows = np.arange(N_USERS)
    end = np.where(rows % 3 == 0, log.offsets[rows], found.end)
    return replace(found, end=end, users=np.where(rows % 5 == 0, 0, found.users))


def fitted(log, resolved=None, **stages):
    """Return a pipeline, with other stages in the slots of the retrieval."""
    pipeline = fit_on_log(resolved or model(chosen("predictor", "popular")), log, None, RunContext(seed=1)).pipeline
    return replace(pipeline, retrieval=replace(pipeline.retrieval, origins=(), **stages))


class Gaps(Predictor):
    """Gives each query its own random scores, and -inf to more items the lower the number of its user."""

    def fit(self, data, context):
        """Learn nothing."""

    def score(self, queries):
        scores = torch.rand(len(queries), N_ITEMS + 1, generator=torch.Generator().manual_seed(int(queries.now.sum())))
        hidden = torch.arange(N_ITEMS + 1)[None] > torch.from_numpy(queries.lengths)[:, None] + 2
        return scores.masked_fill(hidden, -torch.inf)


class Even(Filter):
    """Keeps the even items for queries with an even length of history, and all others for the rest."""

    def fit(self, data, context):
        """Learn nothing."""

    def keep(self, queries):
        even = torch.arange(N_ITEMS + 1) % 2 == 0
        return even[None] == torch.from_numpy(queries.lengths % 4 == 0)[:, None]


def expected_list(log, scores, history, k, *, allowed, fallback):
    """Return items and origins of a list, by a loop over the items."""
    counts = {item: int((log.items == item).sum()) for item in range(1, N_ITEMS + 1)}
    open_items = [item for item in range(1, N_ITEMS + 1) if allowed(item) and counts[item]]
    answered = [item for item in open_items if scores[item] > -np.inf and len(history)]
    ranked = sorted(answered, key=lambda item: (-scores[item], item))[:k]
    rest = sorted((item for item in open_items if item not in ranked), key=lambda item: (-counts[item], item))
    popular = rest[: k - len(ranked)] if fallback == "popular" else []
    return ranked + popular, [False] * len(ranked) + [True] * len(popular)


@pytest.mark.parametrize("fallback", ["popular", "none"])
@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("filters", [(), (Even(Params()),)])
@pytest.mark.parametrize("k", [1, 5, N_ITEMS + 3])
def test_lists_are_those_of_a_loop(log, queries, fallback, exclude_seen, filters, k):
    eligible = (np.arange(N_ITEMS + 1) > 0) & (np.arange(N_ITEMS + 1) != 2)
    pipeline = fitted(
        log, predictor=Gaps(Params()), filters=filters, filters_cold=(True,) * len(filters), need="history"
    )
    found = pipeline.recommend(queries, k, Rules(eligible, exclude_seen, fallback))
    scores = Gaps(Params()).score(queries)
    n_filled = 0
    for row in range(N_USERS):
        history = log.items[log.offsets[row] : queries.end[row]].tolist()

        def allowed(item, history=history):
            kept = not filters or (item % 2 == 0) == (len(history) % 4 == 0)
            return eligible[item] and kept and not (exclude_seen and item in history)

        items, filled = expected_list(log, scores[row].numpy(), history, k, allowed=allowed, fallback=fallback)
        empty = k - len(items)
        assert found.items[row].tolist() == items + [0] * empty
        assert found.filled_slots()[row].tolist() == filled + [False] * empty
        own = len(items) - sum(filled)
        assert found.scores[row].tolist() == scores[row][items[:own]].tolist() + [-np.inf] * (k - own)
        n_filled += sum(filled)
    assert (n_filled > 0) == (fallback == "popular")


def test_one_query_is_answered_as_in_a_block(log, queries):
    pipeline, rules = fitted(log, need="history"), Rules(np.arange(N_ITEMS + 1) > 0)
    together = pipeline.recommend(queries, 5, rules)
    alone = Candidates.joined([pipeline.recommend(queries[i : i + 1], 5, rules) for i in range(N_USERS)])
    assert together.items.tolist() == alone.items.tolist()
    assert together.filled_slots().tolist() == alone.filled_slots().tolist()
    assert together.scores.tolist() == alone.scores.tolist()


@pytest.mark.parametrize("name", ["als", "item-knn", "ease", "item-item-mf"])
def test_a_user_without_history_gets_the_most_frequent_items_in_place_of_an_order_by_number(log, queries, name):
    pipeline, rules = fitted(log, model(chosen("predictor", name))), Rules(np.arange(N_ITEMS + 1) > 0)
    found = pipeline.recommend(queries, 6, rules)
    popular = np.lexsort((np.arange(N_ITEMS + 1), -log.counts()))[:6].tolist()
    without = queries.lengths == 0
    assert without.sum() == 10
    assert found.items[without].tolist() == [popular] * 10
    assert found.filled_slots()[without].all()
    assert not found.filled_slots()[~without].any()
    assert found.scores[without].eq(-torch.inf).all()
    assert not found.tied[without].any()
    bare = pipeline.recommend(queries, 6, replace(rules, fallback="none"))
    assert not bare.items[without].any()
    assert bare.items[~without].tolist() == found.items[~without].tolist()


@pytest.mark.parametrize("name", ["popular", "random", "personal-popular", "transition-graph"])
def test_a_predictor_that_orders_items_without_a_history_keeps_its_lists(log, queries, name):
    pipeline = fitted(log, model(chosen("predictor", name)))
    found = pipeline.recommend(queries, 6, Rules(np.arange(N_ITEMS + 1) > 0))
    assert (found.items > 0).all()
    assert found.filled is None
    assert found.scores.isfinite().all()


def test_a_history_of_unknown_items_is_none(log):
    foreign = Interactions.from_arrays(np.array([0, 1]), np.array([18, 3]), np.arange(2), n_items=N_ITEMS)
    pipeline = fitted(log, model(chosen("predictor", "item-knn")))
    found = pipeline.recommend(Queries.of_histories(foreign), 4, Rules(np.arange(N_ITEMS + 1) > 0))
    assert found.filled_slots().all(1).tolist() == [True, False]


def test_equal_scores_and_zeros_are_answers(log, queries):
    class Flat(Predictor):
        def fit(self, data, context):
            """Learn nothing."""

        def score(self, queries):
            return torch.zeros(len(queries), N_ITEMS + 1)

    found = fitted(log, predictor=Flat(Params()), need="history").recommend(
        queries, 4, Rules(np.arange(N_ITEMS + 1) > 0, exclude_seen=False)
    )
    asked = queries.lengths > 0
    assert found.items[asked].tolist() == [[1, 2, 3, 4]] * int(asked.sum())


def test_bpr_mf_answers_a_training_user_without_a_history_and_no_other_user(log, queries):
    resolved = model(chosen("predictor", "bpr-mf", dim=4))
    resolved = replace(resolved, train=resolved.train.model_copy(update={"max_epochs": 1}))
    found = fitted(log, resolved).recommend(queries, 4, Rules(np.arange(N_ITEMS + 1) > 0))
    new = queries.users == 0
    assert ((queries.lengths == 0) & ~new).any()
    assert ((queries.lengths > 0) & new).any()
    assert found.filled_slots().all(1).tolist() == new.tolist()
    assert not found.filled_slots()[~new].any()


class Own(Gaps):
    """Makes its own lists: its first item has no score, which leaves a gap before the second one."""

    def recommend(self, queries, k, exclusions):
        items = torch.tensor([[3, 4]]).repeat(len(queries), 1)
        scores = torch.tensor([[-torch.inf, 1.0]]).repeat(len(queries), 1)
        return Candidates(items, scores, torch.zeros(len(queries), dtype=torch.bool))


def test_a_gap_in_lists_of_the_predictors_own_is_filled_at_the_end(log, queries):
    pipeline = fitted(log, predictor=Own(Params()), need="history")
    found = pipeline.recommend(queries, 2, Rules(np.arange(N_ITEMS + 1) > 0, exclude_seen=False))
    first, second = np.lexsort((np.arange(N_ITEMS + 1), -log.counts()))[:2].tolist()
    expected = [[first, second] if length == 0 else [4, first] for length in queries.lengths]
    assert 4 not in (first, second)
    assert found.items.tolist() == expected


class Reversing(Ranker):
    """Turns lists round, and refuses an empty one."""

    def score(self, lists):
        assert lists.mask.any(1).all()
        return torch.arange(lists.items.shape[1]).float().expand(lists.items.shape)


@pytest.mark.parametrize("asked", ["some", "none"])
def test_rankers_get_no_empty_list_and_nothing_of_the_fallback(log, queries, asked):
    queries = queries if asked == "some" else replace(queries, end=log.offsets[:-1])
    resolved = model(chosen("predictor", "item-knn"), rankers=[chosen("ranker", "borda")])
    pipeline = replace(fitted(log, resolved), rankers=(Reversing(Params()),))
    rules = Rules(np.arange(N_ITEMS + 1) > 0)
    found = pipeline.recommend(queries, 3, rules, candidates=7)
    candidates = pipeline.retrieve(queries, 7, rules)
    popular = np.lexsort((np.arange(N_ITEMS + 1), -log.counts()))[:3].tolist()
    for row, length in enumerate(queries.lengths):
        own = [item for item in candidates.items[row].tolist() if item]
        assert found.items[row].tolist() == (popular if length == 0 else own[::-1][:3])
        assert bool(own) == (length > 0)


def test_the_validation_metric_is_that_of_the_lists_that_are_served(log):
    from zoo.evaluation.validation import Validation
    from zoo.pipeline.fitting import PredictorValidation

    task = Task.of(log, Temporal(cuts=[0.5, 0.8]))
    metric = chosen("metric", "ndcg", k=5)
    queries, facts = task.queries("validate"), Facts.of(log)
    assert (queries.lengths == 0).any()
    pipeline = fitted(task.training("validate"), model(chosen("predictor", "item-knn")))
    for fallback in ("popular", "none"):
        rules = Rules(task.eligible, task.exclude_seen, fallback)
        monitored = PredictorValidation(Validation(metric.build(), facts, queries, 1000), rules, pipeline.retrieval)(
            pipeline.predictor
        )
        lists = pipeline.recommend(queries, 5, rules)
        value = Evaluator([metric.build()], facts).evaluate(lists, queries.answers()).values["ndcg@5"]
        assert monitored == pytest.approx(value, abs=1e-7)


def test_the_rules_of_a_task_have_its_fallback_which_is_part_of_its_identity(log):
    tasks = [Task.of(log, Temporal(cuts=[0.8]), EvaluateSettings(fallback=name)) for name in ("popular", "none")]
    assert [Rules.of(task).fallback for task in tasks] == ["popular", "none"]
    assert [task.description()["evaluate"]["fallback"] for task in tasks] == ["popular", "none"]


def test_new_items_are_never_in_the_fallback(log):
    titles = [None, *(f"hat {i % 3}" for i in range(1, N_ITEMS + 1))]
    catalogue = Catalogue(pa.array([None, *map(str, range(1, N_ITEMS + 1))]), pa.table({"title": titles}))
    resolved = model(
        chosen("predictor", "content-knn"), featurizers=[chosen("featurizer", "tf-idf", columns=["title"])]
    )
    pipeline = fit_on_log(resolved, log, catalogue, RunContext()).pipeline
    new = Catalogue(pa.array([None, "x"]), pa.table({"title": [None, "hat 1"]}))
    grown = pipeline.with_items(new)
    empty = replace(Queries.of_histories(replace(log, n_items=N_ITEMS + 1)), end=log.offsets[:-1])
    found = grown.recommend(empty, N_ITEMS + 1, Rules(np.arange(N_ITEMS + 2) > 0))
    known = [int(i) for i in np.lexsort((np.arange(N_ITEMS + 1), -log.counts())) if log.counts()[i]]
    assert found.items[0].tolist() == known + [0] * (N_ITEMS + 1 - len(known))


def test_exclusions_of_some_rows():
    whole = Exclusions(
        torch.tensor([0]), torch.tensor([0, 2, 2, 3]), torch.tensor([1, 2, 3, 4]), torch.rand(4, 6) > 0.5
    )
    some = whole.at(torch.tensor([2, 0]), 4)
    expected = whole.apply_(torch.zeros(4, 6))[torch.tensor([2, 0])]
    assert some.apply_(torch.zeros(2, 6)).tolist() == expected.tolist()
    one = replace(whole, allowed=whole.allowed[:1]).at(torch.tensor([3]), 4)
    assert one.allowed.tolist() == whole.allowed[:1].tolist()


@pytest.mark.parametrize("name", ["user-item-mf", "item-item-mf"])
def test_a_factorisation_filter_keeps_all_training_items_without_a_history(log, queries, name):
    item_filter = chosen("filter", name, factors=2, n=3).build()
    from zoo.stages.stage import TrainingData

    item_filter.fit(TrainingData.of(log), RunContext())
    kept = item_filter.keep(queries.restricted(log.known))
    assert kept.sum(1).tolist() == [3 if length else int(log.known.sum()) for length in queries.lengths]
