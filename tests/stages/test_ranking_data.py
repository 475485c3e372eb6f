"""Lists in compressed rows: what is padded comes back, and what teaches an order is told from what does not."""

from dataclasses import replace

import numpy as np
import torch

from zoo.stages.candidates import CandidateLists
from zoo.stages.ranking_data import RankingData


def data() -> RankingData:
    lengths = [3, 1, 2, 4]
    n = sum(lengths)
    return RankingData(
        np.concatenate([[0], np.cumsum(lengths)]),
        torch.arange(1, n + 1),
        torch.arange(n).float(),
        torch.arange(2 * n).float().view(n, 2),
        torch.tensor([0.0, 2, 0, 1, 0, 0, 1, 0, 1, 0]),
        ("a", "b"),
        None,
        np.ones(4, np.bool_),
    )


def test_lists_are_padded_to_the_longest_of_those_asked_for() -> None:
    lists = data().lists(np.array([2, 0]))

    assert lists.items.tolist() == [[5, 6, 0], [1, 2, 3]]
    assert lists.scores.tolist() == [[4, 5, -torch.inf], [0, 1, 2]]
    assert lists.features[0].tolist() == [[8, 9], [10, 11], [0, 0]]
    assert lists.labels is not None
    assert lists.labels.tolist() == [[0, 0, 0], [0, 2, 0]]


def test_padding_and_compressing_are_each_others_inverse() -> None:
    again = RankingData.of(data().lists())

    for name in ("items", "scores", "features", "labels"):
        assert torch.equal(getattr(again, name), getattr(data(), name))
    assert again.offsets.tolist() == [0, 3, 4, 6, 10]


def test_the_lists_kept_are_those_of_a_loop() -> None:
    kept = data().where(np.array([False, True, False, True]))

    assert kept.lists().items.tolist() == [[4, 0, 0, 0], [7, 8, 9, 10]]
    joined = RankingData.joined([kept, data()])
    assert joined.lengths.tolist() == [1, 4, 3, 1, 2, 4]
    assert joined.items.tolist() == [4, 7, 8, 9, 10, *range(1, 11)]


def test_a_list_of_equal_labels_or_without_labels_teaches_no_order() -> None:
    whole = data()

    assert whole.decided.tolist() == [True, False, False, True]
    assert replace(whole, labelled=np.array([False, True, True, True])).decided.tolist() == [False, False, False, True]


def test_what_is_held_out_is_not_learned_from() -> None:
    many = RankingData.joined([data()] * 60)
    learned, chosen = many.held_out(0.25, np.random.default_rng(0))

    assert chosen is not None
    assert len(chosen) == 30
    assert chosen.decided.all()
    assert len(learned) == 210
    few = RankingData.joined([data()] * 10)
    assert few.held_out(0.25, np.random.default_rng(0)) == (few, None)  # of five lists nothing can be told

    given = replace(many, validation=data())
    assert given.held_out(0.25, np.random.default_rng(0)) == (given, given.validation)


def test_no_list_at_all() -> None:
    none = CandidateLists(torch.zeros(0, 3, dtype=torch.long), torch.zeros(0, 3), torch.zeros(0, 3, 1), ("a",))
    empty = RankingData.of(replace(none, labels=torch.zeros(0, 3)))

    assert len(empty) == 0
    assert not empty.decided.any()
    assert empty.lists().items.shape == (0, 1)
