"""The answers of stages: harmless forms are cast, and every other one is refused with what was expected."""

import numpy as np
import pytest
import scipy.sparse
import torch

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.errors import ScoreError
from zoo.stages.answers import answer_of, check_features, check_lists, check_mask, check_ranked, check_scores
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.item_features import ItemFeatures

SCORES = np.array([[-1.0, 2.0, 0.5], [0.0, -np.inf, 4.0]])
HARMLESS = {
    "float64": torch.from_numpy(SCORES), "float16": torch.from_numpy(SCORES).half(),
    "bfloat16": torch.from_numpy(SCORES).bfloat16(), "an array": SCORES, "an array of float32": SCORES.astype(np.float32),
    "a view": torch.from_numpy(np.stack([SCORES, SCORES], 2))[..., 0],
}  # fmt: skip


@pytest.mark.parametrize("form", HARMLESS)
def test_harmless_forms_of_scores_are_cast(form):
    scores = check_scores(HARMLESS[form], 2, 3, "queries, items")
    assert scores.dtype == torch.float32
    assert torch.equal(scores, torch.from_numpy(SCORES).float())


@pytest.mark.parametrize(("wrong", "found"), [(np.nan, "NaN"), (np.inf, "an infinite number")])
def test_scores_that_cannot_be_ranked_are_found_in_the_lists(wrong, found):
    queries = Queries.of_histories(Interactions.from_arrays(np.arange(2), np.array([1, 2]), n_items=50))
    scores = torch.arange(102.0).reshape(2, 51)
    check_ranked(Candidates.best(scores, 3), queries)
    scores[1, 20] = wrong
    with pytest.raises(
        ScoreError, match=rf"`score` returned {found} for the query of user 2 \(number 1 of its block, 1 events"
    ):
        check_ranked(Candidates.best(scores, 3), queries)


def test_the_core_does_not_write_into_the_array_of_a_component():
    own = SCORES.astype(np.float32)
    check_scores(own, 2, 3, "queries, items").fill_(-torch.inf)
    assert np.array_equal(own, SCORES.astype(np.float32))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "`score` returned NoneType, expected a float32 tensor"),
        (SCORES.tolist(), "`score` returned list, expected a float32 tensor"),
        (np.array([["a"] * 3] * 2), "`score` returned ndarray, expected a float32 tensor"),
        (torch.zeros(2, 3, dtype=torch.int64), "`score` returned torch.int64, expected torch.float32"),
        (torch.zeros(2, 3, dtype=torch.bool), "`score` returned torch.bool, expected torch.float32"),
        (torch.zeros(2, 3, dtype=torch.complex64), "`score` returned torch.complex64, expected torch.float32"),
        (torch.zeros(3), "`score` returned the shape (3,), expected (2, 3) (queries, items)"),
        (torch.zeros(2, 4), "`score` returned the shape (2, 4), expected (2, 3) (queries, items)"),
        (torch.zeros(2, 3).to_sparse(), "in the layout torch.sparse_coo, expected a float32 tensor"),
        (torch.zeros(2, 3, device="meta"), "on the device 'meta', which has no values"),
    ],
)
def test_other_scores_are_refused(answer, message):
    with pytest.raises(ScoreError) as error:
        check_scores(answer, 2, 3, "queries, items")
    assert message in str(error.value)


def test_a_mask_is_of_booleans_for_each_query_or_for_all():
    mask = np.array([[True, False, True]])
    assert torch.equal(check_mask(mask, 2, 3), torch.from_numpy(mask))
    assert check_mask(torch.ones(2, 3, dtype=torch.bool), 2, 3).shape == (2, 3)
    for wrong, message in (
        (torch.ones(2, 3, dtype=torch.int8), "`keep` returned torch.int8, expected torch.bool"),
        (torch.ones(3, 3, dtype=torch.bool), "`keep` returned the shape (3, 3), expected (2, 3) or (1, 3)"),
        ([True], "`keep` returned list, expected a bool tensor"),
    ):
        with pytest.raises(ScoreError) as error:
            check_mask(wrong, 2, 3)
        assert message in str(error.value)


VALUES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])


@pytest.mark.parametrize("form", ["dense", "array", "csr", "coo"])
def test_harmless_forms_of_features_are_cast(form):
    dense = torch.from_numpy(VALUES)
    forms = {"dense": dense, "array": VALUES, "csr": dense.to_sparse_csr(), "coo": dense.to_sparse()}
    features = check_features(ItemFeatures(forms[form], ["a", "b"]), 3)
    assert (features.values.dtype, features.names) == (torch.float32, ("a", "b"))
    assert torch.equal(features.values.to_dense(), dense.float())


def with_value(row, column, value):
    values = VALUES.astype(np.float32)
    values[row, column] = value
    return values


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (with_value(2, 1, np.nan), "`transform` returned NaN for item number 2 in the column 'b', expected finite"),
        (with_value(1, 0, np.inf), "`transform` returned +inf for item number 1 in the column 'a', expected finite"),
        (with_value(0, 1, 3.0), "`transform` returned features for row 0, expected zeros: row 0 is padding"),
        (VALUES[:2].astype(np.float32), "returned the shape (2, 2), expected (3, 2) (items and padding, names)"),
    ],
)
def test_other_features_are_refused(values, message, sparse):
    features = ItemFeatures(torch.from_numpy(values), ("a", "b"))
    if sparse:
        features = ItemFeatures.of_sparse(scipy.sparse.csr_matrix(values), ("a", "b"))
    with pytest.raises(ScoreError) as error:
        check_features(features, 3)
    assert message in str(error.value)


def test_large_finite_features_are_accepted_although_their_sum_overflows():
    values = torch.full((3, 2), 3e38)
    values[0] = 0
    assert check_features(ItemFeatures(values, ("a", "b")), 3).values.max() == values.max()


def test_features_that_are_no_item_features_are_refused():
    with pytest.raises(ScoreError, match=r"`transform` returned Tensor, expected zoo\.api\.ItemFeatures"):
        check_features(torch.zeros(3, 2), 3)


EXCLUDED = Exclusions(torch.tensor([0]), torch.tensor([0]), torch.tensor([3]), None)


def lists(items, scores=((2.0, 1.0), (2.0, -np.inf)), tied=(False, False)):
    return Candidates(torch.tensor(items), torch.tensor(scores), torch.tensor(tied))


def test_lists_of_a_predictor_are_cast():
    found = check_lists(
        Candidates(np.array([[1, 2], [3, 0]], np.int32), np.array([[2.0, 1.0], [2.0, 9.0]]), np.array([False, True])),
        2, 2, EXCLUDED, 5,
    )  # fmt: skip
    assert found.items.tolist() == [[1, 2], [3, 0]]
    assert found.scores.tolist() == [[2.0, 1.0], [2.0, -np.inf]]
    assert (found.items.dtype, found.scores.dtype, found.tied.tolist()) == (torch.int64, torch.float32, [False, True])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lists([[1, 5], [2, 0]]), "`recommend` put item number 5 in a list, expected 1 to 4, or 0 for an empty slot"),
        (lists([[1, -1], [2, 0]]), "`recommend` put item number -1 in a list"),
        (lists([[1, 1], [2, 0]]), "`recommend` put item number 1 in a list twice, expected each item once"),
        (lists([[3, 1], [2, 0]]), "`recommend` put item number 3 in a list, which is excluded there"),
        (lists([[1], [2]], [[1.0], [2.0]]), "`recommend` returned the shape (2, 1), expected (2, 2)"),
        (lists([[1.0, 2.0], [3.0, 0.0]]), "the items of `recommend` are torch.float32, expected torch.int64"),
        (
            lists([[1, 2], [4, 0]], [[2.0, np.nan], [1.0, 0.0]]),
            "`recommend` returned a NaN or infinite score for query 0",
        ),
        (
            lists([[1, 2], [4, 0]], [[np.inf, 1.0], [1.0, 0.0]]),
            "`recommend` returned a NaN or infinite score for query 0",
        ),
        (lists([[1, 2], [4, 0]], tied=[False]), "`tied` of `recommend` returned the shape (1,), expected (2,)"),
    ],
)
def test_other_lists_are_refused(answer, message):
    with pytest.raises(ScoreError) as error:
        check_lists(answer, 2, 2, EXCLUDED, 5)
    assert message in str(error.value)


def test_a_refused_answer_is_named_once():
    origin = "ranker 'a' of b 1.0"
    with pytest.raises(ScoreError, match=r"^ranker 'a' of b 1\.0: NaN$"), answer_of(origin), answer_of(origin):
        raise ScoreError("NaN")
