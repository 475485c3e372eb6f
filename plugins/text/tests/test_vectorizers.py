import json

import numpy as np
import pytest
import torch
from shopzoo_text.params import BagOfWordsParams, TfIdfParams
from shopzoo_text.vectorizers import BagOfWords, TfIdf
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from zoo.api import ConfigError, DataError, State
from zoo.params import validated

GRID = [
    {},
    {"ngrams": (1, 2), "columns": ["title", "brand"]},
    {"analyzer": "char", "ngrams": (2, 3), "max_features": 20},
    {"analyzer": "char_wb", "ngrams": (3, 3)},
    {"min_df": 2, "max_df": 0.9},
    {"stop_words": "english"},
    {"stop_words": ["red", "wool"]},
]


def sklearn_options(params):
    renamed = {"ngram_range" if key == "ngrams" else key: value for key, value in params.items()}
    return {key: value for key, value in renamed.items() if key != "columns"}


def texts_of(catalogue, params):
    columns = [catalogue.table[name].to_pylist() for name in params.get("columns", ["title"])]
    return [" ".join(filter(None, parts)) for parts in zip(*columns, strict=True)]


def reloaded(model):
    """Return a new model with the state of another, its values sent through JSON."""
    again, state = type(model)(model.params), model.state()
    again.load_state(State(state.tensors, json.loads(json.dumps(state.values))))
    return again


@pytest.mark.parametrize("params", GRID, ids=str)
@pytest.mark.parametrize("sublinear", [False, True])
def test_tf_idf_equals_sklearn_fitted_on_known_items(fitted, catalogue, log, params, sublinear):
    texts = texts_of(catalogue, params)
    peer = TfidfVectorizer(**sklearn_options(params), sublinear_tf=sublinear)
    peer.fit([text for text, known in zip(texts, log.known, strict=True) if known])
    model = fitted(TfIdf(TfIdfParams(**params, sublinear_tf=sublinear)))
    found = model.transform(catalogue)
    assert found.is_sparse
    assert found.values.dtype == torch.float32
    assert found.names == tuple(peer.get_feature_names_out())
    np.testing.assert_allclose(found.values.to_dense(), peer.transform(texts).toarray(), rtol=1e-6, atol=1e-7)
    assert not found.values.to_dense()[0].any()
    assert torch.equal(reloaded(model).transform(catalogue).values.to_dense(), found.values.to_dense())


@pytest.mark.parametrize("params", GRID, ids=str)
def test_bag_of_words_equals_sklearn_fitted_on_known_items(fitted, catalogue, log, params):
    texts = texts_of(catalogue, params)
    peer = CountVectorizer(**sklearn_options(params))
    peer.fit([text for text, known in zip(texts, log.known, strict=True) if known])
    model = fitted(BagOfWords(BagOfWordsParams(**params)))
    found = model.transform(catalogue)
    assert found.names == tuple(peer.get_feature_names_out())
    assert (found.values.to_dense().numpy() == peer.transform(texts).toarray()).all()
    assert torch.equal(reloaded(model).transform(catalogue).values.to_dense(), found.values.to_dense())


def test_terms_of_new_items_are_not_learned(fitted, catalogue):
    assert "zebra" not in fitted(TfIdf(TfIdfParams())).transform(catalogue).names


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"min_df": 5},
            r"^no term is left of the catalogue's 'title': 5 of 7 known items have a text there, min_df = 5, max_df = 1.0, "
            r"stop_words = None \(After pruning, no terms remain.*\). Choose other `columns`, lower `min_df`, raise `max_df`, "
            r"or drop `stop_words`.$",
        ),
        ({"min_df": 3, "max_df": 1}, r"^no term is left .* min_df = 3, max_df = 1,"),
        ({"columns": ["price"]}, r"column 'price' is double, expected text"),
        ({"columns": ["titel"]}, r"no column 'titel'. Did you mean 'title'\?"),
    ],
)
def test_what_leaves_no_term_is_explained(fitted, params, message):
    with pytest.raises(DataError, match=message):
        fitted(TfIdf(TfIdfParams(**params)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ngrams": [2, 1]}, r"^m: ngrams must be \[shortest, longest\] with 1 <= shortest <= longest, found \[2, 1\]$"),
        ({"analyzer": "char", "stop_words": "english"}, r"^m: stop_words need analyzer = \"word\", found 'char': leave one of them out$"),
        ({"columns": []}, r"^m\.columns: "),
        ({"min_df": 1.5}, r"^m\.min_df"),
        ({"ngram": [1, 2]}, r"^m\.ngram: unknown key. Did you mean 'ngrams'\?"),
    ],
)  # fmt: skip
def test_bad_parameters_are_explained(values, message):
    with pytest.raises(ConfigError, match=message):
        validated(TfIdfParams, values, "m")


def test_a_whole_number_counts_items_and_a_fraction_is_a_share():
    params = TfIdfParams.model_validate_json(TfIdfParams(min_df=1, max_df=1.0).model_dump_json())
    assert (type(params.min_df), type(params.max_df)) == (int, float)
