import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from shopzoo_text.params import BagOfWordsParams, TfIdfParams
from shopzoo_text.vectorizers import BagOfWords, TfIdf
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import make_pipeline

from zoo.api import Catalogue, ConfigError, DataError, Interactions, RunContext, State, TrainingData
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


def known_texts(catalogue, log, params=None):
    return [text for text, known in zip(texts_of(catalogue, params or {}), log.known, strict=True) if known]


@pytest.mark.parametrize("columns", [1, 7, 2**18])
@pytest.mark.parametrize("sublinear", [False, True])
def test_hashed_tf_idf_equals_sklearns_pipeline(fitted, catalogue, log, columns, sublinear):
    hasher = HashingVectorizer(n_features=columns, norm=None, alternate_sign=False, ngram_range=(1, 2))
    peer = make_pipeline(hasher, TfidfTransformer(sublinear_tf=sublinear)).fit(known_texts(catalogue, log))
    model = fitted(TfIdf(TfIdfParams(hashing=columns, ngrams=(1, 2), sublinear_tf=sublinear)))
    found = model.transform(catalogue)
    assert found.is_sparse
    assert len(found.names) == columns
    assert (found.names[0], found.names[-1]) == ("hash 0", f"hash {columns - 1}")
    difference = found.sparse() - peer.transform(texts_of(catalogue, {}))
    assert abs(difference).max() < 1e-6
    assert not found.sparse()[0].nnz
    assert (reloaded(model).transform(catalogue).sparse() != found.sparse()).nnz == 0


def test_hashed_bag_of_words_equals_sklearns(fitted, catalogue):
    peer = HashingVectorizer(n_features=5, norm=None, alternate_sign=False, analyzer="char_wb", ngram_range=(2, 3))
    found = fitted(BagOfWords(BagOfWordsParams(hashing=5, analyzer="char_wb", ngrams=(2, 3)))).transform(catalogue)
    assert (found.values.to_dense().numpy() == peer.transform(texts_of(catalogue, {})).toarray()).all()


@pytest.mark.parametrize("hashing", [None, 64])
def test_svd_equals_sklearns_pipeline_whatever_the_seed(catalogue, log, hashing):
    terms = TfidfVectorizer() if hashing is None else make_pipeline(
        HashingVectorizer(n_features=hashing, norm=None, alternate_sign=False), TfidfTransformer()
    )  # fmt: skip
    peer = make_pipeline(terms, TruncatedSVD(3, random_state=0)).fit(known_texts(catalogue, log))
    model = TfIdf(TfIdfParams(svd=3, hashing=hashing))
    model.fit(TrainingData.of(log, catalogue), RunContext(seed=7))
    found = model.transform(catalogue)
    assert not found.is_sparse
    assert found.values.dtype == torch.float32
    assert found.names == ("svd 0", "svd 1", "svd 2")
    np.testing.assert_allclose(found.values, peer.transform(texts_of(catalogue, {})), atol=1e-5)
    assert not found.values[0].any()
    assert torch.equal(reloaded(model).transform(catalogue).values, found.values)


PARAMS = [
    {}, {"ngrams": (1, 2), "columns": ["title", "brand"]}, {"hashing": 16}, {"svd": 2}, {"hashing": 16, "svd": 2}, {"min_df": 2},
]  # fmt: skip


@pytest.mark.parametrize("params", PARAMS, ids=str)
@pytest.mark.parametrize(("featurizer", "of"), [(BagOfWords, BagOfWordsParams), (TfIdf, TfIdfParams)])
def test_fitting_and_transforming_at_once_gives_what_one_after_the_other_does(catalogue, log, featurizer, of, params):
    data, once, apart = TrainingData.of(log, catalogue), featurizer(of(**params)), featurizer(of(**params))
    at_once = once.fit_transform(data, RunContext())
    apart.fit(data, RunContext())
    for found in (apart.transform(catalogue), once.transform(catalogue)):
        assert found.names == at_once.names
        assert found.is_sparse == at_once.is_sparse
        assert torch.equal(found.rows(torch.arange(10)), at_once.rows(torch.arange(10)))


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_the_features_of_an_item_depend_on_that_item_alone(fitted, catalogue, params):
    model, chosen = fitted(TfIdf(TfIdfParams(**params))), [0, 8, 1, 6]
    part = Catalogue(catalogue.ids.take(pa.array(chosen)), catalogue.table.take(pa.array(chosen)))
    found = model.transform(part).rows(torch.arange(len(chosen)))
    assert torch.equal(found, model.transform(catalogue).rows(torch.tensor(chosen)))


def test_chinese_titles_without_spaces_are_compared_by_runs_of_characters():
    titles = [None, "红色羊毛帽子", "蓝色羊毛围巾", "红色台灯", "全新羊毛帽子", "铁锅"]
    log = Interactions.from_arrays(np.array([0, 0, 0]), np.array([1, 2, 3]), n_items=5)
    catalogue = Catalogue(pa.array([None, *"abcde"]), pa.table({"title": titles}))
    peer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)).fit(titles[1:4])
    model = TfIdf(TfIdfParams(analyzer="char_wb", ngrams=(2, 3)))
    found = model.fit_transform(TrainingData.of(log, catalogue), RunContext())
    assert "羊毛" in found.names
    dense = found.values.to_dense()
    np.testing.assert_allclose(dense, peer.transform(["", *titles[1:]]).toarray(), atol=1e-6)
    likeness = dense[4] @ dense.T
    assert likeness[1] > likeness[2] > likeness[3] == 0  # a new wool hat: the hat, the scarf, and not the lamp
    assert not dense[5].any()


def test_a_text_of_a_megabyte_is_a_text(log):
    rng = np.random.default_rng(0)
    long = " ".join(f"word{i}" for i in rng.integers(0, 3_000, 120_000))
    assert len(long) > 1_000_000
    texts = [None, long, "word1 word2", "x" * 1_000_000, "", None, "word3", "a", "b c", "word1"]
    catalogue = Catalogue(pa.array([None, *"abcdefghi"]), pa.table({"title": texts}))
    known = [text or "" for text, known in zip(texts, log.known, strict=True) if known]
    found = TfIdf(TfIdfParams()).fit_transform(TrainingData.of(log, catalogue), RunContext())
    expected = TfidfVectorizer().fit(known).transform([text or "" for text in texts])
    assert found.values.shape == expected.shape
    assert abs(found.sparse() - expected).max() < 1e-6


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
        ({"min_df": 3, "max_df": 0.1}, r"^no term is left .* min_df = 3, max_df = 0\.1,"),
        (
            {"hashing": 8, "stop_words": ["red", "wool", "hat", "blue", "scarf", "the", "lamp"]},
            r"^no term is left .* \(no term to hash\)",
        ),
        (
            {"columns": ["price"]},
            r"column 'price' is double, expected text: choose among its text columns \(title, brand\)$",
        ),
        ({"svd": 8}, r"^svd = 8 is more than 7 known items with 7 terms allow: set svd = 7 or less$"),
        ({"columns": ["titel"]}, r"no column 'titel'. Did you mean 'title'\?"),
    ],
)
def test_what_leaves_no_term_is_explained(fitted, params, message):
    with pytest.raises(DataError, match=message):
        fitted(TfIdf(TfIdfParams(**params)))


@pytest.mark.parametrize("texts", [[None] * 10, [""] * 10, [" \t"] * 10, [None] * 6 + ["new"] + [None] * 3], ids=str)
@pytest.mark.parametrize("params", [{}, {"hashing": 8}], ids=str)
def test_items_without_any_text_are_refused(log, texts, params):
    catalogue = Catalogue(pa.array([None, *"abcdefghi"]), pa.table({"title": pa.array(texts, pa.string())}))
    with pytest.raises(DataError) as error:
        TfIdf(TfIdfParams(**params)).fit(TrainingData.of(log, catalogue), RunContext())
    assert str(error.value) == (
        "the catalogue's 'title': no text for any of the 7 items that occur in training. Choose other `columns`, or correct the items file."
    )


def test_a_catalogue_that_knows_nothing_of_its_items_is_refused(log):
    with pytest.raises(DataError, match=r"^the catalogue has no column 'title'. Its columns: none; give the `source`"):
        TfIdf(TfIdfParams()).fit(TrainingData.of(log), RunContext())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ngrams": [2, 1]}, r"^m: ngrams must be \[shortest, longest\] with 1 <= shortest <= longest, found \[2, 1\]$"),
        ({"analyzer": "char", "stop_words": "english"}, r"^m: stop_words need analyzer = \"word\", found 'char': remove one of them$"),
        (
            {"hashing": 8, "min_df": 2},
            r"^m: hashing stores no terms to select from, found min_df = 2: remove these options, or hashing$",
        ),
        ({"min_df": 5, "max_df": 2}, r"^m: no term is in 5 or more and in 2 or fewer: lower min_df, or raise max_df$"),
        ({"min_df": 0.9, "max_df": 0.1}, r"^m: no term is in 0\.9 or more and in 0\.1 or fewer: "),
        ({"hashing": 0}, r"^m\.hashing: "),
        ({"svd": 0}, r"^m\.svd: "),
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
