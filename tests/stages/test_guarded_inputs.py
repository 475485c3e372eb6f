"""What a stage writes into its inputs reaches no other stage."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import zoo
from zoo.params import Params
from zoo.spec import Capabilities
from zoo.stages.context import RunContext
from zoo.stages.item_features import GuardedItemFeatures, ItemFeatures
from zoo.stages.ranker import Ranker
from zoo.stages.ranker_inputs import RankerInputs
from zoo.stages.ranking_data import ROWS, RankingData
from zoo.stages.reranking import fit_in_turn

WRITER = """
from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl

class Writer(Predictor):
    fitted = ("size",)

    def fit(self, data, context):
        self.size = data.interactions.n_items + 1
        values = data.features.values
        (values.values() if data.features.is_sparse else values).fill_(9.0)

    def score(self, queries):
        import torch
        return torch.zeros(len(queries), self.size)

@hookimpl
def zoo_components():
    can = Capabilities(features="required")
    return [ComponentSpec("writer", "predictor", "writing_stage:Writer", Params, "A test.", capabilities=can, api=2)]
"""


class Scribbler(Ranker[Params]):
    """Records its training data, and then overwrites them."""

    def fit(self, data, context):
        self.seen = [getattr(part, name).clone() for part in (data, data.validation) if part for name in ROWS]
        for part in filter(None, (data, data.validation)):
            for name in ROWS:
                getattr(part, name).fill_(1)
            part.offsets[:], part.labelled[:] = 0, False

    def score(self, lists):
        return lists.scores


def lists(n):
    rng = np.random.default_rng(n)
    return RankingData(
        np.arange(0, 3 * n + 1, 3), torch.from_numpy(rng.integers(2, 9, 3 * n)), torch.arange(3.0 * n, 0, -1),
        torch.from_numpy(rng.random((3 * n, 2), np.float32)), torch.from_numpy((rng.random(3 * n) > 0.5).astype(np.float32)),
        ("a", "b"), ItemFeatures(torch.zeros(9, 1), ("x",)), np.ones(n, np.bool_),
    )  # fmt: skip


def test_a_ranker_gets_copies_of_its_training_lists():
    data, validation = lists(4), lists(3)
    before = [getattr(part, name).clone() for part in (data, validation) for name in ROWS]
    rankers = [Scribbler(Params()), Scribbler(Params())]
    fit_in_turn(
        rankers, [True, True], RankingData(**{**vars(data), "validation": validation}), RunContext(0), refit=False
    )
    for found in (rankers[0].seen, [getattr(part, name) for part in (data, validation) for name in ROWS]):
        assert all(torch.equal(a, b) for a, b in zip(found, before, strict=True))
    assert torch.equal(rankers[1].seen[3].sort().values, data.labels.sort().values)
    assert data.offsets.tolist() == [0, 3, 6, 9, 12]
    fit_in_turn(
        [refitted := Scribbler(Params())],
        [True],
        RankingData(**{**vars(data), "validation": validation}),
        RunContext(0),
        refit=True,
    )
    assert all(torch.equal(a, torch.cat([b, c])) for a, b, c in zip(refitted.seen, before[:4], before[4:], strict=True))


@pytest.mark.parametrize("values", [torch.eye(3), torch.eye(3).to_sparse_csr()])
def test_guarded_features_can_be_replaced(values):
    guarded = GuardedItemFeatures.of(ItemFeatures(values, ("a", "b", "c")))
    named = replace(guarded, names=("x", "y", "z"))
    doubled = replace(guarded, values=2 * values)
    assert (named.names, doubled.names) == (("x", "y", "z"), ("a", "b", "c"))
    assert named.is_sparse == doubled.is_sparse == guarded.is_sparse
    assert torch.equal(named.rows(torch.arange(3)), torch.eye(3))
    assert torch.equal(doubled.rows(torch.arange(3)), 2 * torch.eye(3))
    assert named.values.to_dense().fill_(5).sum() == 45
    assert torch.equal(values.to_dense(), torch.eye(3))
    assert torch.equal(GuardedItemFeatures.of(guarded).norms(), torch.ones(3))


def test_lists_that_nobody_else_reads_are_not_copied():
    data = lists(4)
    inputs = RankerInputs.of(Capabilities(), data.vectors)
    shared, copy = inputs.attach(data), inputs.data(data)
    assert all(getattr(shared, name) is getattr(data, name) for name in ROWS)
    assert not any(getattr(copy, name) is getattr(data, name) for name in ROWS)
    assert shared.vectors is copy.vectors is inputs.vectors


def test_a_predictor_gets_features_of_its_own(tmp_path):
    (tmp_path / "writing_stage.py").write_text(WRITER)
    artifact = zoo.fit(
        {
            "data": {"source": {"name": "synthetic-shop", "customers": 30, "items": 40, "events": 400}},
            "model": [{"predictor": "writer", "featurizer": {"name": "tf-idf", "columns": ["title"]}}],
        },
        plugins=[tmp_path / "writing_stage.py"],
    )
    assert float(artifact.pipeline.features.norms().max()) < 1.01
