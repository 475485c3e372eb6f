"""The pipeline: what flows between the stages, with the in-tree components themselves."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from zoo.config.chosen import Chosen
from zoo.config.experiment import Temporal
from zoo.config.resolved import ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.data.task import Task
from zoo.errors import ScoreError
from zoo.params import Params
from zoo.pipeline import Rules
from zoo.pipeline.fitting import fit, fit_on_log
from zoo.registry.component import Component
from zoo.registry.registry import default_registry
from zoo.spec import Capabilities
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.context import RunContext
from zoo.stages.featurizer import fit_features
from zoo.stages.filter import Filter
from zoo.stages.item_features import concatenate_features
from zoo.stages.predictor import Predictor
from zoo.stages.ranker import Ranker
from zoo.stages.stage import TrainingData

N_ITEMS = 12


def chosen(stage, name, **params):
    component = default_registry().find(stage, name)
    return Chosen(component, component.params(params))


def model(predictor, *, featurizers=(), filters=(), rankers=()):
    return ResolvedModel("model", predictor, tuple(featurizers), tuple(filters), tuple(rankers))


@pytest.fixture
def log():
    """Twenty users with ten random events on items 1 to 10; items 11 and 12 never occur."""
    rng = np.random.default_rng(0)
    users, items = np.repeat(np.arange(20), 10), rng.integers(1, 11, 200)
    return Interactions.from_arrays(
        users, items, np.arange(200), n_items=N_ITEMS, events=rng.integers(0, 2, 200), event_names=("view", "purchase")
    )


@pytest.fixture
def catalogue():
    titles = [
        None,
        *(f"{colour} {thing}" for colour in ("red", "blue", "green", "grey") for thing in ("hat", "sock", "shoe")),
    ]
    return Catalogue(pa.array([None, *map(str, range(1, N_ITEMS + 1))]), pa.table({"title": titles}))


def fitted(resolved, log, catalogue):
    return fit_on_log(resolved, log, catalogue, RunContext(seed=1)).pipeline


def with_stages(pipeline, *, rankers=None, **stages):
    """Return the pipeline with other stages in its slots."""
    rankers = pipeline.rankers if rankers is None else rankers
    return replace(pipeline, rankers=rankers, retrieval=replace(pipeline.retrieval, **stages))


ALL = Rules(np.arange(N_ITEMS + 1) > 0, exclude_seen=False)


def test_a_model_that_knows_only_training_items_never_returns_another(log, catalogue):
    lists = fitted(model(chosen("predictor", "popular")), log, catalogue).recommend(
        Queries.of_histories(log), N_ITEMS, ALL
    )
    assert set(lists.items.unique().tolist()) == set(range(11))  # 1 to 10, and 0 for the two slots that stay empty
    assert (lists.items[:, 10:] == 0).all()


def test_a_model_that_scores_cold_items_returns_them(log, catalogue):
    pipeline = fitted(
        model(chosen("predictor", "content-knn"), featurizers=[chosen("featurizer", "tf-idf", columns=["title"])]),
        log,
        catalogue,
    )
    lists = pipeline.recommend(Queries.of_histories(log), N_ITEMS, ALL)
    assert {11, 12} <= set(lists.items.unique().tolist())


def test_what_was_seen_is_left_out_by_the_event_that_makes_it_seen(log, catalogue):
    pipeline = fitted(model(chosen("predictor", "popular")), log, catalogue)
    queries = Queries.of_histories(log)
    for rule, codes in ((True, (0, 1)), (["purchase"], (1,)), (["view"], (0,)), (False, ())):
        lists = pipeline.recommend(queries, 10, Rules(ALL.eligible, rule))
        for row in range(log.n_users):
            mine = slice(log.offsets[row], log.offsets[row + 1])
            seen = set(log.items[mine][np.isin(log.events[mine], codes)].tolist())
            assert set(lists.items[row].tolist()) - {0} == set(range(1, 11)) - seen


def test_only_eligible_items_are_recommended(log, catalogue):
    eligible = np.isin(np.arange(N_ITEMS + 1), [2, 4, 6])
    lists = fitted(model(chosen("predictor", "popular")), log, catalogue).recommend(
        Queries.of_histories(log), 5, Rules(eligible, exclude_seen=False)
    )
    assert set(lists.items.unique().tolist()) == {0, 2, 4, 6}


def test_filters_act_before_the_top_k_and_all_of_them_must_agree(log, catalogue):
    filters = [chosen("filter", "top-popular", n=6), chosen("filter", "deny-list", ids=["1", "2"])]
    lists = fitted(model(chosen("predictor", "transition-graph"), filters=filters), log, catalogue).recommend(
        Queries.of_histories(log), 10, ALL
    )
    popular = set(np.lexsort((np.arange(N_ITEMS + 1), -log.counts()))[:6].tolist())
    assert set(lists.items.unique().tolist()) - {0} == popular - {1, 2}


def test_one_query_is_answered_as_in_a_block(log, catalogue):
    for name in ("popular", "transition-graph", "personal-popular", "random"):
        pipeline = fitted(model(chosen("predictor", name)), log, catalogue)
        queries = Queries.of_histories(log)
        together = pipeline.recommend(queries, 5, Rules(ALL.eligible))
        alone = [
            pipeline.recommend(queries[i : i + 1], 5, Rules(ALL.eligible)).items[0].tolist()
            for i in range(len(queries))
        ]
        assert alone == together.items.tolist(), name


def test_a_ranker_reorders_the_candidates_and_adds_none(log, catalogue):
    features = [chosen("featurizer", "tf-idf", columns=["title"])]
    plain = fitted(model(chosen("predictor", "content-knn"), featurizers=features), log, catalogue)
    diverse = fitted(
        model(chosen("predictor", "content-knn"), featurizers=features, rankers=[chosen("ranker", "mmr")]),
        log,
        catalogue,
    )
    queries = Queries.of_histories(log)
    before = plain.recommend(queries, 8, Rules(ALL.eligible, exclude_seen=False))
    after = diverse.recommend(queries, 8, Rules(ALL.eligible, exclude_seen=False), candidates=8)
    assert (before.items.sort(1).values == after.items.sort(1).values).all()
    assert (before.items[:, 0] == after.items[:, 0]).all()  # mmr begins with the best candidate
    assert not (before.items == after.items).all()


def test_features_of_several_featurizers_stand_side_by_side(log, catalogue):
    catalogue = Catalogue(catalogue.ids, catalogue.table.append_column("brand", [[None, *["a", "b"] * 6]]))
    pipeline = fitted(
        model(
            chosen("predictor", "content-knn"),
            featurizers=[
                chosen("featurizer", "tf-idf", columns=["title"]),
                chosen("featurizer", "tabular", categorical=["brand"]),
            ],
        ),
        log,
        catalogue,
    )
    parts = [f.transform(catalogue) for f in pipeline.featurizers]
    together = concatenate_features(parts)
    assert together.names == parts[0].names + parts[1].names
    dense = [p.values.to_dense().numpy() for p in parts]
    np.testing.assert_allclose(together.values.to_dense().numpy(), np.hstack(dense))


def test_a_user_outside_training_is_served_from_the_history(log, catalogue):
    half = log.where(log.users < 10)
    pipeline = fitted(model(chosen("predictor", "transition-graph")), half, catalogue)
    lists = pipeline.recommend(Queries.of_histories(log), 3, Rules(ALL.eligible, exclude_seen=False))
    assert (lists.items[10:] > 0).all()


def test_a_user_beyond_the_training_log_is_a_new_one(log, catalogue):
    few = Interactions.from_arrays(log.users[:100], log.items[:100], log.times[:100], n_items=N_ITEMS)
    pipeline = fitted(model(chosen("predictor", "transition-graph")), few, catalogue)
    queries, rules = Queries.of_histories(log), Rules(ALL.eligible, exclude_seen=False)
    assert (pipeline.recommend(queries, 3, rules).items[10:] > 0).all()
    assert pipeline.recommend(queries[:0], 3, rules).items.shape == (0, 3)


@pytest.mark.parametrize("policy", ["all", "each"])
def test_what_happened_after_a_query_is_not_there_for_its_stages(log, catalogue, policy):
    """Every event has a time of its own, so that whatever a stage can reach of the log must be older than its query."""
    users = np.tile(np.arange(20), 10)
    log = Interactions.from_arrays(users, log.items, np.arange(200), n_items=N_ITEMS)
    task = Task.of(log, Temporal(cuts=[0.5], targets=policy), catalogue=catalogue)
    reached = []

    def look(queries):
        reached.append((queries.log.times.max(), queries.now.max(), len(queries.log), queries.lengths.sum()))
        assert queries.targets is None

    class Peeping(Predictor):
        def fit(self, data, context):
            pass

        def score(self, queries):
            look(queries)
            return torch.zeros(len(queries), N_ITEMS + 1)

    class PeepingFilter(Filter):
        def fit(self, data, context):
            pass

        def keep(self, queries):
            look(queries)
            return torch.ones(1, N_ITEMS + 1, dtype=torch.bool)

    pipeline = fitted(
        model(chosen("predictor", "popular"), filters=[chosen("filter", "top-popular", share=0.5)]), log, catalogue
    )
    pipeline = with_stages(pipeline, predictor=Peeping(Params()), filters=(PeepingFilter(Params()),))
    pipeline.recommend(task.queries("test"), 3, ALL)
    assert len(reached) == 2
    for latest, now, events, histories in reached:
        assert latest < now
        assert events == histories


@pytest.mark.parametrize("layout", [lambda s: s.T.contiguous().T, lambda s: s[:1].expand(len(s), -1)])
def test_scores_may_lie_in_memory_as_they_like(log, catalogue, layout):
    pipeline = fitted(model(chosen("predictor", "popular")), log, catalogue)
    queries = Queries.of_histories(log)
    before = pipeline.recommend(queries, 5, Rules(ALL.eligible))
    score = pipeline.predictor.score
    pipeline.predictor.score = lambda q: layout(score(q))
    assert pipeline.recommend(queries, 5, Rules(ALL.eligible)).items.tolist() == before.items.tolist()


class Backwards(Ranker):
    """Turns its lists round, and remembers what it learned from."""

    def fit(self, data, context):
        (torch.ones((), requires_grad=True) * data.scores).sum().backward()
        self.learned = data.lists()

    def score(self, lists):
        self.ranked = lists
        return torch.arange(lists.items.shape[1]).float().expand(lists.items.shape)


@pytest.fixture
def backwards(monkeypatch):
    """Let the component `borda` build a `Backwards`."""
    build = Component.build
    monkeypatch.setattr(
        Component, "build", lambda self, params: Backwards(params) if self.name == "borda" else build(self, params)
    )


def test_a_ranker_learns_from_lists_as_it_will_get_them(log, catalogue, backwards):
    borda = chosen("ranker", "borda").component
    spec = replace(borda.spec, capabilities=Capabilities(trainable=True))
    learns = Chosen(replace(borda, spec=spec), borda.params())
    resolved = model(chosen("predictor", "popular"), rankers=[learns, learns])
    task = Task.of(log, Temporal(cuts=[0.4, 0.5, 0.7]), catalogue=catalogue)
    pipeline = fit(resolved, task, RunContext(), candidates=6).pipeline
    first, second = (r.learned for r in pipeline.rankers)
    filled = first.mask.sum(1)
    for row, n in enumerate(filled.tolist()):
        assert second.items[row, :n].tolist() == first.items[row, :n].flip(0).tolist()
        assert second.labels[row, :n].tolist() == first.labels[row, :n].flip(0).tolist()
    assert first.labels.sum() > 0
    pipeline.recommend(task.queries("test"), 3, ALL, candidates=6)
    served = pipeline.rankers[1].ranked
    assert (served.scores[served.mask] == second.scores[second.mask].max()).any()  # the first ranker's, as in fitting


def test_a_ranker_is_asked_with_the_features_it_learned_from(log, catalogue, backwards):
    borda = chosen("ranker", "borda").component
    learns = Chosen(replace(borda, spec=replace(borda.spec, capabilities=Capabilities(trainable=True))), borda.params())
    log = Interactions.from_arrays(np.tile(np.arange(20), 10), log.items, np.arange(200), n_items=N_ITEMS)
    late = replace(log, items=np.where(log.times < 120, np.minimum(log.items, 5), log.items))  # new words come later
    features = [chosen("featurizer", "tf-idf", columns=["title"])]
    resolved = model(chosen("predictor", "content-knn"), featurizers=features, rankers=[learns])
    task = Task.of(late, Temporal(cuts=[0.4, 0.5, 0.7]), catalogue=catalogue)
    pipeline = fit(resolved, task, RunContext(), candidates=6).pipeline
    pipeline.recommend(task.queries("test"), 3, ALL, candidates=6)
    learned, ranked = pipeline.rankers[0].learned.vectors, pipeline.rankers[0].ranked.vectors
    assert learned.names == ranked.names
    assert (learned.values.to_dense() == ranked.values.to_dense()).all()
    assert pipeline.known.sum() > 6  # filters and predictor know what came later


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (
            lambda lists: lists.scores * torch.nan,
            r"^ranker 'borda' of shopzoo-baselines \S+: `score` returned NaN for list 0",
        ),
        (
            lambda lists: lists.scores - lists.scores - -torch.inf,
            r"`score` returned an infinite number for list 0 of its block",
        ),
        (lambda lists: lists.scores[:, 1:], r"`score` returned the shape \(20, 7\), expected \(20, 8\)"),
    ],
)
def test_a_rankers_scores_that_make_no_order_are_refused(log, catalogue, scores, said):
    pipeline = fitted(model(chosen("predictor", "popular"), rankers=[chosen("ranker", "borda")]), log, catalogue)
    backwards = Backwards(Params())
    backwards.score = scores
    pipeline = with_stages(pipeline, rankers=(backwards,))
    with pytest.raises(ScoreError, match=said):
        pipeline.recommend(Queries.of_histories(log), 8, ALL, candidates=8)


class Inventive(Ranker):
    """Writes into its input: every candidate becomes item 1."""

    def score(self, lists):
        lists.items[:] = 1
        lists.scores[:] = 0
        lists.features[:] = 0
        return torch.zeros(lists.items.shape)


def test_a_ranker_that_writes_into_its_lists_changes_nothing(log, catalogue):
    pipeline = fitted(model(chosen("predictor", "popular"), rankers=[chosen("ranker", "borda")]), log, catalogue)
    queries = Queries.of_histories(log)
    rules = Rules(np.arange(N_ITEMS + 1) > 1, exclude_seen=True)
    expected = pipeline.retrieve(queries, 5, rules).items
    lists = with_stages(pipeline, rankers=(Inventive(Params()),)).recommend(queries, 5, rules, candidates=5)
    assert torch.equal(lists.items.masked_fill(lists.filled_slots(), 0), expected)


def test_lists_are_held_to_the_rules_after_the_last_ranker(log, catalogue, monkeypatch):
    pipeline = fitted(model(chosen("predictor", "popular"), rankers=[chosen("ranker", "borda")]), log, catalogue)

    def with_item_one(lists, *others):
        return replace(lists, items=torch.ones_like(lists.items))

    monkeypatch.setattr("zoo.pipeline.fitted.rerank", with_item_one)  # as if the core itself had a defect
    with pytest.raises(
        ScoreError, match=r"^the rankers of model: the last ranker put item number 1 in a list, which is"
    ):
        pipeline.recommend(Queries.of_histories(log), 5, Rules(np.arange(N_ITEMS + 1) > 1), candidates=5)


@pytest.mark.parametrize("slot", ["predictor", "filters"])
def test_an_answer_is_refused_with_its_stage_component_and_plugin(log, catalogue, slot):
    pipeline = fitted(
        model(chosen("predictor", "popular"), filters=[chosen("filter", "top-popular", share=0.5)]), log, catalogue
    )
    part = pipeline.predictor if slot == "predictor" else pipeline.filters[0]
    setattr(part, "score" if slot == "predictor" else "keep", lambda queries: [1])
    named = {"predictor": "predictor 'popular'", "filters": "filter 'top-popular'"}[slot]
    with pytest.raises(
        ScoreError, match=rf"^{named} of shopzoo-baselines \S+: `\w+` returned list, expected a \w+ tensor"
    ):
        pipeline.recommend(Queries.of_histories(log), 3, ALL)


def test_a_featurizer_is_named_for_its_nan(log, catalogue):
    featurizer = chosen("featurizer", "tf-idf", columns=["title"])

    def with_nan(part, data, context):
        features = type(part).fit_transform(part, data, context)
        features.values.values()[0] = torch.nan
        return features

    part = featurizer.build()
    part.fit_transform = lambda data, context: with_nan(part, data, context)
    with pytest.raises(
        ScoreError, match=r"^featurizer 'tf-idf' of shopzoo-text \S+: `fit_transform` returned NaN for item"
    ):
        fit_features(part, TrainingData.of(log, catalogue), RunContext(), featurizer.origin)


class AlwaysOne(Predictor):
    """Makes its own lists, and takes no notice of what is excluded."""

    def fit(self, data, context):
        """Learn nothing."""

    def score(self, queries):
        return torch.zeros(len(queries), queries.log.n_items + 1)

    def recommend(self, queries, k, exclusions):
        ones = torch.ones(len(queries), k, dtype=torch.int64)
        return Candidates(ones, ones.float(), ones[:, 0] > 1)


@pytest.mark.parametrize(
    "rules",
    [Rules(ALL.eligible, exclude_seen=True), Rules(np.arange(N_ITEMS + 1) > 1, exclude_seen=False)],
    ids=["seen", "not eligible"],
)
def test_a_predictor_that_makes_its_own_lists_is_held_to_the_rules(log, catalogue, rules):
    pipeline = fitted(model(chosen("predictor", "popular")), log, catalogue)
    pipeline = with_stages(pipeline, predictor=AlwaysOne(pipeline.predictor.params))
    assert (pipeline.recommend(Queries.of_histories(log), 1, ALL).items == 1).all()
    with pytest.raises(ScoreError, match="put item number 1 in a list, which is excluded there"):
        pipeline.recommend(Queries.of_histories(log), 1, rules)


def test_lists_of_another_type_are_refused(log, catalogue):
    pipeline = fitted(model(chosen("predictor", "popular")), log, catalogue)
    pipeline = with_stages(pipeline, predictor=AlwaysOne(pipeline.predictor.params))
    AlwaysOne.recommend, right = lambda self, queries, k, exclusions: (1, 2), AlwaysOne.recommend
    try:
        with pytest.raises(ScoreError, match=r"`recommend` returned tuple, expected zoo.api.Candidates"):
            pipeline.recommend(Queries.of_histories(log), 1, ALL)
    finally:
        AlwaysOne.recommend = right


def test_a_filtered_item_counts_as_excluded():
    excluded = Exclusions(torch.tensor([0]), torch.tensor([1]), torch.tensor([4]), torch.arange(6)[None] != 2)
    items = torch.tensor([[1, 2, 4], [1, 4, 0]])
    assert excluded.violated(items).tolist() == [[False, True, False], [False, True, False]]
