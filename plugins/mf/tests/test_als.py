import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_mf.als import ALS, Events, LeastSquares
from shopzoo_mf.params import ALSParams

from zoo.api import DataError, Interactions, Queries, RunContext
from zoo.nn import csr_tensor


def confidence(log):
    """Return what each pair's events weigh, `[U, I]` float64."""
    weights = np.zeros((log.n_users, log.n_items + 1))
    np.add.at(weights, (log.users, log.items), log.weights)
    return weights


def direct(weights, fixed, unobserved, n, l2, exponent):
    """Solve the normal equations row by row, in float64."""
    rows = []
    for c in weights:
        ridge = l2 * (c.sum() + unobserved * n) ** exponent
        left = unobserved * fixed.T @ fixed + fixed.T @ (c[:, None] * fixed) + ridge * np.eye(fixed.shape[1])
        rows.append(np.linalg.solve(left, fixed.T @ c))
    return np.array(rows)


@given(st.data(), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.01, 0.3, 2.0]), st.integers(1, 6))
def test_solves_the_normal_equations(logs, data, exponent, unobserved, factors):
    weights = confidence(data.draw(logs))
    rng = np.random.default_rng(0)
    fixed = rng.normal(size=(weights.shape[1], factors))
    share = torch.from_numpy(weights.sum(0) / weights.sum()).float()
    matrix = csr_tensor(scipy.sparse.csr_matrix(weights.astype(np.float32)))
    problem = LeastSquares(
        torch.from_numpy(fixed).float(), share, pairs=unobserved * 5, unobserved=unobserved, ridge=(0.1, exponent)
    )
    found = problem.solve(Events.of(matrix), torch.from_numpy(rng.normal(size=(len(weights), factors))).float(), 30)
    np.testing.assert_allclose(found, direct(weights, fixed, unobserved, 5, 0.1, exponent), atol=2e-4)


def test_a_sweep_solves_for_the_users_and_then_for_the_items(clustered, fitted):
    params = ALSParams(factors=4, iterations=1, regularization=0.01, unobserved=0.2, cg_steps=40)
    context, weights = RunContext(3), confidence(clustered)
    items = torch.randn(33, 4, generator=context.generator("als/items")).double().numpy() * 0.1 / 4**0.5
    items *= clustered.known[:, None]
    users = direct(weights, items, 0.2, 30, 0.01, 1)
    expected = direct(weights.T, users, 0.2, 60, 0.01, 1)
    np.testing.assert_allclose(fitted(ALS(params), clustered, seed=3).items, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("exponent", "l2"), [(0.0, 1.0), (1.0, 0.05)])
def test_converges_to_where_the_loss_has_no_slope_with_users_folded_in(clustered, fitted, exponent, l2):
    params = ALSParams(factors=3, iterations=300, regularization=l2, frequency_exponent=exponent, unobserved=0.2)
    model = fitted(ALS(params), clustered)
    users = model.fold_in(Queries.of_histories(clustered)).double().requires_grad_()
    items = model.items[1:31].double().requires_grad_()
    c = torch.from_numpy(confidence(clustered)[:, 1:31])
    fits = users @ items.T
    loss = (c * (1 - fits) ** 2).sum() + 0.2 * (fits**2).sum()
    for rows, totals, n in ((users, c.sum(1), 30), (items, c.sum(0), 60)):
        loss = loss + (l2 * (totals + 0.2 * n) ** exponent * (rows**2).sum(1)).sum()
    assert torch.cat(torch.autograd.grad(loss, (users, items))).abs().max() < 1e-3
    assert loss < 0.9 * c.sum()


def test_by_default_all_pairs_weigh_sixteen_times_the_events(clustered, fitted):
    model = fitted(ALS(ALSParams(factors=2, iterations=1)), clustered)
    assert model.unobserved * 60 * 30 == pytest.approx(16 * clustered.weights.sum())


def test_finds_the_tastes(clustered, fitted):
    scores = fitted(ALS(ALSParams(factors=4)), clustered).score(Queries.of_histories(clustered))
    third = scores[:, 1:31].view(60, 3, 10).mean(2)
    assert (third.argmax(1) == torch.arange(60) % 3).all()


def test_a_new_user_is_served_like_a_known_one_of_the_same_history(clustered, fitted):
    model = fitted(ALS(ALSParams(factors=8)), clustered)
    part = slice(clustered.offsets[3], clustered.offsets[4])
    new = Interactions.from_arrays(
        np.zeros(12, int), clustered.items[part], n_items=32, events=clustered.events[part],
        event_names=clustered.event_names, event_weights=(1.0, 3.0),
    )  # fmt: skip
    torch.testing.assert_close(
        model.score(Queries.of_histories(new))[0], model.score(Queries.of_histories(clustered))[3]
    )


def test_an_event_of_weight_three_counts_like_three_events(fitted):
    rng = np.random.default_rng(0)
    users, items, events = rng.integers(0, 9, 50), rng.integers(1, 7, 50), rng.integers(0, 2, 50)
    times = np.where(events, 3, 1)
    weighted = Interactions.from_arrays(users, items, events=events, event_names=("a", "b"), event_weights=(1.0, 3.0))
    repeated = Interactions.from_arrays(np.repeat(users, times), np.repeat(items, times))
    plain = Interactions.from_arrays(users, items)
    of_weighted, of_repeated, of_plain = (
        fitted(ALS(ALSParams(factors=3)), log).score(Queries.of_histories(log)) for log in (weighted, repeated, plain)
    )
    torch.testing.assert_close(of_weighted, of_repeated)
    assert (of_weighted - of_plain).abs().max() > 0.01


def test_items_outside_training_have_no_vector_and_disturb_nothing(clustered, fitted):
    model = fitted(ALS(ALSParams(factors=5)), clustered)
    assert (model.items[[0, 31, 32]] == 0).all()
    assert model.items[1:31].abs().sum(1).min() > 0


def test_an_empty_history_is_scored_zero(clustered, fitted):
    model = fitted(ALS(ALSParams(factors=8)), clustered)
    nobody = Interactions.from_arrays(np.zeros(0, int), np.zeros(0, int), n_items=32, n_users=2)
    assert (model.score(Queries.of_histories(nobody)) == 0).all()


def test_refuses_events_that_weigh_nothing(fitted):
    log = Interactions.from_arrays(np.array([0, 1]), np.array([1, 2]), event_weights=[0.0])
    with pytest.raises(DataError) as refused:
        fitted(ALS(ALSParams()), log)
    assert str(refused.value) == (
        "als needs events that weigh something: the 2 training events weigh 0 in sum; "
        "give the types that count a positive weight (`event_weights` in `[data]`)"
    )


@pytest.mark.parametrize("block", [8, 64, 8 * 59])
def test_blocks_of_rows_are_solved_as_all_rows_at_once(clustered, fitted, monkeypatch, block):
    whole = fitted(ALS(ALSParams(factors=8, iterations=3)), clustered)
    monkeypatch.setattr("shopzoo_mf.als.BLOCK", block)
    blocks = fitted(ALS(ALSParams(factors=8, iterations=3)), clustered)
    torch.testing.assert_close(blocks.items, whole.items, atol=1e-5, rtol=1e-4)
