"""The features of candidates, each against a loop over the events of its user."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse
import torch

from zoo.config.candidate_settings import CandidateFeatureSettings
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.errors import ConfigError, DataError
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.candidates import Candidates
from zoo.stages.item_features import ItemFeatures
from zoo.stages.stage import TrainingData

N_ITEMS, N_USERS = 9, 4
PRICES = [None, 1.0, 2.0, None, 4.0, 5.0, 6.0, -7.0, 8.0, 9.0]
GENRES = [None, ["a"], ["a", "b"], [], None, ["b"], ["c", "a"], ["c"], ["b"], ["a"]]
COLOURS = [None, "red", "blue", "red", None, "blue", "red", "green", "green", "red"]
DECAY = 0.5


@pytest.fixture
def catalogue() -> Catalogue:
    table = pa.table({"price": pa.array(PRICES, pa.float64()), "genres": GENRES, "category": COLOURS})
    return Catalogue(pa.array([None, *map(str, range(1, N_ITEMS + 1))]), table)


@pytest.fixture
def log() -> Interactions:
    rng = np.random.default_rng(0)
    users = np.repeat([0, 1, 2], [7, 3, 12])  # the last user has no event
    return Interactions.from_arrays(
        users, rng.integers(1, N_ITEMS + 1, len(users)), rng.permutation(1000)[: len(users)], n_items=N_ITEMS,
        n_users=N_USERS,
    )  # fmt: skip


@pytest.fixture
def found() -> Candidates:
    rng = np.random.default_rng(1)
    items = torch.from_numpy(np.stack([rng.permutation(N_ITEMS)[:5] + 1 for _ in range(N_USERS)]))
    items[1, 3:] = 0
    scores = torch.tensor([5.0, 3, 2, 2, 1]).expand(N_USERS, 5).masked_fill(items == 0, -torch.inf)
    return Candidates(items, scores, torch.zeros(N_USERS, dtype=torch.bool))


@pytest.fixture(params=["dense", "sparse"])
def vectors(request: Any) -> ItemFeatures:
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(N_ITEMS + 1, 6)) * (rng.random((N_ITEMS + 1, 6)) < 0.6)
    matrix[[0, 4]] = 0
    names = tuple("abcdef")
    if request.param == "sparse":
        return ItemFeatures.of_sparse(scipy.sparse.csr_matrix(matrix), names)
    return ItemFeatures(torch.from_numpy(matrix.astype(np.float32)), names)


def made(log: Interactions, catalogue: Catalogue, found: Candidates, of: Any, **settings: Any) -> dict[str, Any]:
    features = CandidateFeatures(CandidateFeatureSettings(decay=DECAY, **settings))
    features.fit(TrainingData.of(log, catalogue, of))
    again = CandidateFeatures(features.params)
    again.load_state(features.state())
    values, names = features.of(Queries.of_histories(log), found, of)
    assert torch.equal(again.of(Queries.of_histories(log), found, of)[0], values)
    assert values.dtype == torch.float32
    assert (values[found.items == 0] == 0).all()
    return {name: values[..., at].numpy() for at, name in enumerate(names)}


def test_each_feature_is_that_of_a_loop(
    log: Interactions, catalogue: Catalogue, found: Candidates, vectors: ItemFeatures
) -> None:
    features = made(log, catalogue, found, vectors, categories=["category", "genres"], vectors=2)
    dense = vectors.values.to_dense().double().numpy()
    start, end = log.times.min(), log.times.max()
    median = np.median([math.log1p(p) for p in PRICES if p is not None and p >= 0])
    price = [math.log1p(p) if p is not None and p >= 0 else median for p in PRICES]

    def expected(user: int, item: int) -> dict[str, float]:
        own = log.items[log.offsets[user] : log.offsets[user + 1]].tolist()
        age = {at: len(own) - 1 - at for at in range(len(own))}
        everywhere = (log.items == item).sum()
        late = ((log.items == item) & (log.times > end - 0.1 * (end - start))).sum()

        def counted(shares: list[float]) -> tuple[float, float]:
            return math.log1p(sum(shares)), math.log1p(sum(s * DECAY ** age[at] for at, s in enumerate(shares)))

        def of(column: list[Any]) -> list[float]:
            sets = [set(v) if isinstance(v, list) else {v} - {None} for v in column]
            return [float(len(sets[taken] & sets[item])) for taken in own]

        taste = sum((DECAY ** age[at] * dense[taken] for at, taken in enumerate(own)), np.zeros(6))
        length = np.linalg.norm(taste) * np.linalg.norm(dense[item])
        events, recent = counted([float(taken == item) for taken in own])
        colour, colour_recent = counted(of(COLOURS))
        genre, genre_recent = counted(of(GENRES))
        paid = np.mean([price[taken] for taken in own]) if own else np.mean(price[1:])
        return {
            "popularity": math.log1p(everywhere), "trend": math.log((1 + late) / (1 + 0.1 * everywhere)),
            "history": math.log1p(len(own)), "item-events": events, "item-recent": recent,
            "category-events": colour, "category-recent": colour_recent,
            "genres-events": genre, "genres-recent": genre_recent,
            "price": price[item], "price-ratio": price[item] - paid,
            "similarity": float(taste @ dense[item] / length) if length else 0.0,
        }  # fmt: skip

    for user in range(N_USERS):
        for slot, item in enumerate(found.items[user].tolist()):
            if item:
                for name, value in expected(user, item).items():
                    assert features[name][user, slot] == pytest.approx(value, abs=1e-5), (name, user, item)
    assert features["rank"][0].tolist() == [1, 2, 3, 4, 5]
    assert features["score"][1, :3] == pytest.approx((np.array([5, 3, 2]) - 10 / 3) / np.std([5, 3, 2]), abs=1e-5)

    left, _, _ = np.linalg.svd(dense.T)
    reduced = dense @ left[:, :2]
    got = np.stack([features["vector-1"], features["vector-2"]], -1)
    assert np.abs(got[0]) == pytest.approx(np.abs(reduced[found.items[0].numpy()]), abs=1e-5)


def test_what_the_data_lack_is_left_out_unless_it_is_asked_for(log: Interactions, found: Candidates) -> None:
    ordered = Interactions.from_arrays(log.users, log.items, n_items=N_ITEMS, n_users=N_USERS)
    assert list(made(ordered, Catalogue.bare(N_ITEMS), found, None)) == [
        "score", "rank", "history", "item-events", "item-recent", "popularity",
    ]  # fmt: skip
    for group, said in [
        ("trend", "needs timestamps, and the events are ordered by file-order only"),
        ("price", "needs a numeric item column 'price'"),
        ("categories", "needs a category column"),
        ("similarity", "needs item features: give the model a `featurizer`"),
    ]:
        with pytest.raises(ConfigError, match=said):
            made(ordered, Catalogue.bare(N_ITEMS), found, None, groups=[group])
    with pytest.raises(DataError, match="no column 'colour'"):
        made(ordered, Catalogue.bare(N_ITEMS), found, None, categories=["colour"])


def test_only_the_groups_asked_for_are_made(log: Interactions, catalogue: Catalogue, found: Candidates) -> None:
    assert list(made(log, catalogue, found, None, groups=["price", "score"])) == [
        "score",
        "rank",
        "price-ratio",
        "price",
    ]


def test_new_items_are_told_of_as_if_they_had_been_there(
    log: Interactions, catalogue: Catalogue, found: Candidates, vectors: ItemFeatures
) -> None:
    """Items 8 and 9, of which no event tells, come after the fit: their features are those of a fit that knew them."""
    log = log.where(log.items < 8)
    groups = ["popularity", "trend", "categories", "price", "similarity"]
    settings = CandidateFeatureSettings(groups=groups, categories=["category", "genres"], decay=DECAY)  # type: ignore[arg-type]
    whole, before = CandidateFeatures(settings), CandidateFeatures(settings)
    prices = catalogue.table.set_column(0, "price", pa.array([*PRICES[:8], *[PRICES[1]] * 2], pa.float64()))
    catalogue = Catalogue(catalogue.ids, prices)  # so that the median stays
    whole.fit(TrainingData.of(log, catalogue, vectors))
    few = Interactions.from_arrays(log.users, log.items, log.times, n_items=7, n_users=N_USERS)
    part = ItemFeatures.of_sparse(vectors.sparse()[:8], vectors.names)
    before.fit(TrainingData.of(few, Catalogue(catalogue.ids[:8], catalogue.table[:8]), part))
    new = Catalogue(pa.array([None, "8", "9"]), pa.concat_tables([catalogue.table[:1], catalogue.table[8:]]))
    before.add_items(new, ItemFeatures.of_sparse(vectors.sparse()[8:], vectors.names))

    asked = Queries.of_histories(log)
    known, names = before.of(asked, found, vectors)
    expected, as_many = whole.of(asked, found, vectors)
    columns = [at for at, name in enumerate(names) if not name.startswith("price")]
    assert names == as_many
    assert torch.allclose(known[..., columns], expected[..., columns], atol=1e-6)


def test_lists_without_a_candidate_have_features_too(
    log: Interactions, catalogue: Catalogue, vectors: ItemFeatures
) -> None:
    """So many as others, all 0: a filter may leave nothing to any query of a block."""
    none = Candidates(torch.zeros(4, 5, dtype=torch.int64), torch.full((4, 5), -torch.inf), torch.zeros(4) > 0)
    features = made(log, catalogue, none, vectors)
    assert all((values == 0).all() for values in features.values())
    assert list(features) == list(made(log, catalogue, replace(none, items=none.items + 1), vectors))
