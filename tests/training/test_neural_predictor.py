"""What the core does for a neural predictor: scoring, saving, and toy problems with a known answer."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.errors import NotFittedError
from zoo.stages.stage import State
from zoo.training.network import TrainingStep
from zoo.training.objectives import NextItem, loss_of

LOSSES = ("softmax", "sampled-softmax", "gbce", "bpr", "bpr-max", "bce")


def next_on_the_circle(log):
    return log.items[log.offsets[1:] - 1] % 12 + 1


@pytest.mark.parametrize("loss", LOSSES)
def test_the_next_item_of_a_cycle_is_learned_by_every_loss(cycle, fit, loss, training_seed, assert_learned):
    predictor = fit(cycle, {"loss": loss, "dropout": 0.0}, max_epochs=120, seed=training_seed)
    scores = predictor.score(Queries.of_histories(cycle))
    # 1.0 for each of five seeds.
    assert_learned((scores.argmax(1).numpy() == next_on_the_circle(cycle)).mean(), above=0.9)


@pytest.mark.parametrize("sampling", ["popularity", "in-batch"])
def test_negatives_may_be_drawn_in_other_ways(cycle, fit, sampling, training_seed, assert_learned):
    params = {"loss": "sampled-softmax", "negative_sampling": sampling, "dropout": 0.0}
    scores = fit(cycle, params, max_epochs=60, seed=training_seed).score(Queries.of_histories(cycle))
    assert_learned((scores.argmax(1).numpy() == next_on_the_circle(cycle)).mean(), above=0.9)


def test_a_fresh_instance_scores_the_same_from_the_saved_state(cycle, fit, make):
    predictor = fit(cycle)
    state = predictor.state()
    names = list(state.tensors)
    assert "items.weight" in names
    assert not any(name.startswith("encoder.items") for name in names)  # the table is saved once
    pointers = [t.data_ptr() for t in state.tensors.values()]
    assert len(set(pointers)) == len(pointers)
    tensors, values = copy.deepcopy(state.tensors), json.loads(json.dumps(state.values))
    fresh = make()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    fresh.load_state(State(tensors, values))
    assert torch.equal(before, torch.get_rng_state())
    queries = Queries.of_histories(cycle)
    assert torch.equal(fresh.score(queries), predictor.score(queries))
    assert (fresh.trained.epochs, fresh.sizes) == (predictor.trained.epochs, predictor.sizes)


def test_an_unfitted_predictor_says_so(cycle, make):
    with pytest.raises(NotFittedError, match="Small is not fitted"):
        make().score(Queries.of_histories(cycle))
    with pytest.raises(NotFittedError, match="Small is not fitted"):
        make().state()


def test_without_a_history_the_most_popular_items_come_first(cycle, fit):
    predictor = fit(cycle)
    queries = Queries.of_histories(cycle)
    empty = replace(queries, end=cycle.offsets[:-1].copy())
    some = np.arange(len(queries)) % 2 == 0
    mixed = replace(queries, end=np.where(some, queries.end, empty.end))
    scores = predictor.score(mixed)
    by_count = np.argsort(-cycle.counts(), kind="stable")[:12].tolist()
    assert scores[1].argsort(descending=True, stable=True)[:12].tolist() == by_count
    torch.testing.assert_close(scores[some], predictor.score(queries)[some])


def test_only_the_last_events_are_read(cycle, fit):
    predictor = fit(cycle, {"length": 3})
    queries = Queries.of_histories(cycle)
    rows = [cycle.items[cycle.offsets[u] : cycle.offsets[u + 1]][-3:] for u in range(cycle.n_users)]
    users = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    short = Interactions.from_arrays(users, np.concatenate(rows), n_items=13)
    assert torch.equal(predictor.score(queries), predictor.score(Queries.of_histories(short)))


def test_items_outside_training_are_never_scored(cycle, fit):
    scores = fit(cycle).score(Queries.of_histories(cycle))
    assert (scores[:, [0, 13]] == -torch.inf).all()
    assert scores[:, 1:13].isfinite().all()


def test_only_positions_that_ask_for_an_item_reach_the_loss(cycle, fit):
    network = fit(cycle).network
    batch = next(iter(NextItem(8).examples(cycle, 60, np.random.default_rng(0))))
    reached = []

    def loss(hidden, items, targets):
        reached.append((hidden, targets))
        return hidden.sum()

    with torch.no_grad():
        TrainingStep(network, loss).loss(batch)
        whole = network.encoder(batch.inputs)
    hidden, targets = reached[0]
    assert len(hidden) == int(batch.inputs.lengths.sum()) < batch.targets.numel()
    at = 0
    for row, n in enumerate(batch.inputs.lengths.tolist()):
        assert torch.equal(hidden[at : at + n], whole[row, :n])
        assert targets[at : at + n].tolist() == batch.targets[row, :n].tolist()
        at += n


@pytest.mark.parametrize("loss", LOSSES)
def test_every_parameter_gets_a_gradient(cycle, fit, make, loss):
    predictor = fit(cycle, {"loss": loss})
    counts = torch.from_numpy(cycle.counts())
    lesson = TrainingStep(predictor.network, loss_of(predictor.params, counts, torch.Generator().manual_seed(0)))
    lesson.loss(next(iter(NextItem(8).examples(cycle, 60, np.random.default_rng(0))))).backward()
    for name, parameter in predictor.network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
