"""What every installed featurizer of texts makes of bad input; `tests/artifacts/test_new_items.py` has widths that changed."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from zoo import load
from zoo.config.train import NetworkSettings
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import DataError
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData

SMALL = {"tokens": 60, "text_dim": 8, "epoch_pairs": 64}
FEATURIZERS = {"bag-of-words": {}, "tf-idf": {}, "text-cnn": SMALL, "text-rnn": SMALL, "text-transformer": SMALL}
N = 24
TITLES = [None, *(f"{colour} {thing}" for colour in ("red", "blue", "green", "grey") for thing in "abcdef")]
MEGABYTE = "a long story of one red hat " * 40_000
CONTEXT = RunContext(epochs=1, training=TrainingEnvironment(settings=NetworkSettings(batch_size=32)))


@pytest.fixture(params=FEATURIZERS)
def featurizer(request):
    return load(request.param, stage="featurizer", **FEATURIZERS[request.param])


def shop(titles, kind=None):
    """Return what 30 users took of the first 20 items; the last four are new."""
    items = np.random.default_rng(0).integers(1, N - 3, 150)
    log = Interactions.from_arrays(np.repeat(np.arange(30), 5), items, n_items=N)
    table = pa.table({"title": pa.array(titles, kind), "price": [None, *map(float, range(N))]})
    return TrainingData.of(log, Catalogue(pa.array([None, *map(str, range(N))]), table))


def refused(featurizer, data):
    with pytest.raises(DataError) as caught:
        featurizer.fit(data, CONTEXT)
    return str(caught.value)


def test_a_column_that_is_not_there_is_refused_with_a_near_one(featurizer):
    data = shop(TITLES)
    table = data.catalogue.table.rename_columns(["titel", "price"])
    without = TrainingData.of(data.interactions, Catalogue(data.catalogue.ids, table))
    assert refused(featurizer, without) == (
        "the catalogue has no column 'title'. Did you mean 'titel'? Its columns: titel, price. "
        'Map the column that holds it: data.item_columns = { title = "titel" } (in Python, item_columns={"title": "titel"}).'
    )
    assert refused(featurizer, TrainingData.of(data.interactions)) == (
        "the catalogue has no column 'title'. Its columns: none; give the `source` of [data] a file of `items` (in Python, `read_log` a table of items)."
    )


def test_a_column_that_is_not_text_is_refused_with_those_that_are(featurizer):
    data = shop([None, *range(N)], pa.int64())
    assert refused(featurizer, data) == (
        "the catalogue's column 'title' is int64, expected text: none of its columns is text"
    )


@pytest.mark.parametrize("titles", [[None] * 25, [""] * 25, [" \t\n"] * 25, [None] * 21 + ["new"] * 4], ids=repr)
def test_texts_of_new_items_alone_are_none_to_learn_from(featurizer, titles):
    data = shop(titles, pa.string())
    known = int(data.known.sum())
    assert refused(featurizer, data) == (
        f"the catalogue's 'title': no text for any of the {known} items that occur in training. Choose other `columns`, or correct "
        "the items file."
    )


def test_texts_that_are_empty_or_a_megabyte_long_are_texts_like_others(featurizer):
    titles = [*TITLES]
    titles[3:6], titles[22:24], titles[8] = (None, "", "  "), (None, " "), MEGABYTE
    features = featurizer.fit_transform(shop(titles), CONTEXT).rows(torch.arange(N + 1))
    empty = torch.tensor([title is None or not title.strip() for title in titles])
    assert features.isfinite().all()
    assert not features[empty].any()
    assert features[~empty].any(1).all()


def test_what_a_featurizer_makes_of_a_text_does_not_depend_on_the_empty_ones(featurizer):
    data = shop(TITLES)
    before = featurizer.fit_transform(data, CONTEXT).rows(torch.arange(N + 1))
    titles = [title if item % 2 else None for item, title in enumerate(TITLES)]
    after = featurizer.transform(shop(titles).catalogue).rows(torch.arange(N + 1))
    torch.testing.assert_close(after[1::2], before[1::2])
    assert not after[::2].any()


@pytest.mark.parametrize("name", ["bag-of-words", "tf-idf"])
def test_a_vocabulary_of_which_nothing_is_left_is_told_with_what_left_nothing(name):
    message = refused(load(name, stage="featurizer", min_df=30), shop(TITLES))
    assert message.startswith(
        "no term is left of the catalogue's 'title': 20 of 20 known items have a text there, min_df = 30,"
    )
    assert message.endswith("Choose other `columns`, lower `min_df`, raise `max_df`, or drop `stop_words`.")


def test_a_megabyte_is_a_category_like_others():
    data = shop([None, *([MEGABYTE, "red", None, ""] * 6)])
    features = load("tabular", stage="featurizer", columns=["title"]).fit_transform(data, CONTEXT)
    assert features.values.to_dense()[1:5].tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]
