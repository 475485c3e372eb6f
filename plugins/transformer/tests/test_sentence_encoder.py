"""The pretrained encoder: its errors, always; and what it makes of texts, where sentence-transformers is installed."""

import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from shutil import copytree

import numpy as np
import pyarrow as pa
import pytest
import torch
from shopzoo_transformer.params import SentenceEncoderParams
from shopzoo_transformer.sentence_encoder import SentenceEncoder, folder_of

from zoo.api import Catalogue, ConfigError, DataError, Interactions, NotFittedError, RunContext, State, TrainingData
from zoo.params import validated
from zoo.registry.registry import default_registry
from zoo.testing.cases import cases

WORDS = ["red", "blue", "wool", "hat", "lamp", "scarf", "the", "of", "##s", "a"]
TITLES = [
    None, "red hat", "the red wool hat of the blue lamp", "", "blue lamp", None, "a scarf", " \t", "red hats",
    "lamp " * 250_000,
]  # fmt: skip
CATALOGUE = Catalogue(pa.array([None, *map(str, range(1, len(TITLES)))]), pa.table({"title": TITLES}))
LOG = Interactions.from_arrays(np.array([0, 0, 1, 1]), np.array([1, 2, 3, 4]), n_items=len(TITLES) - 1)
DATA = TrainingData.of(LOG, CATALOGUE)
needs_library = pytest.mark.skipif(
    find_spec("sentence_transformers") is None,
    reason="sentence-transformers is not installed: pip install 'shopzoo-transformer[sentence]'",
)


def encoder(folder, **params):
    return SentenceEncoder(SentenceEncoderParams(model=str(folder), **params))


def refused(folder, **params):
    with pytest.raises(ConfigError) as caught:
        encoder(folder, **params).fit(DATA, RunContext())
    return str(caught.value)


@pytest.fixture
def hollow(tmp_path):
    """Return a folder that looks like a model and has no weights."""
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "modules.json").write_text("[]")
    return tmp_path / "hollow"


FETCH = "Fetch one beforehand, where there is a network: hf download ORGANISATION/NAME --local-dir FOLDER"


def test_a_folder_that_is_not_there_is_told_how_to_fetch_one(tmp_path):
    assert refused(tmp_path / "none") == (
        f"sentence-encoder: model = '{tmp_path / 'none'}' should be the folder of a model, there is no such folder, and none is "
        f"downloaded. {FETCH}"
    )
    (tmp_path / "file").write_text("")
    assert "should be the folder of a model, it is a file, and" in refused(tmp_path / "file")


def test_a_folder_without_a_model_is_told_with_what_is_in_it(tmp_path):
    end = f"Give the folder into which a model was saved. {FETCH}"
    start = f"sentence-encoder: {tmp_path} holds no model of sentence-transformers: expected modules.json in it, found"
    assert refused(tmp_path) == f"{start} nothing. {end}"
    (tmp_path / "weights.txt").write_text("")
    assert refused(tmp_path) == f"{start} weights.txt. {end}"


def test_a_package_is_looked_up_and_not_imported(tmp_path, monkeypatch):
    package = tmp_path / "weights_of_somebody"
    (package / "small").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit")
    (package / "small" / "config.json").write_text("{}")
    monkeypatch.syspath_prepend(tmp_path)
    assert folder_of("package:weights_of_somebody/small") == package / "small"
    assert refused("package:weights_of_nobody/small") == (
        "sentence-encoder: model = 'package:weights_of_nobody/small' asks for a folder of the package 'weights_of_nobody', which "
        "is not installed: install it, or give the path of a folder"
    )
    with pytest.raises(
        ConfigError, match=r"expected `package:NAME/FOLDER` with the name of a package, found 'package:a.b/c'"
    ):
        validated(SentenceEncoderParams, {"model": "package:a.b/c"}, "m")  # fmt: skip


def test_a_relative_path_begins_at_the_experiment_file(tmp_path):
    params = validated(SentenceEncoderParams, {"model": "models/small"}, "m", {"base": tmp_path})
    assert params.model == str(tmp_path / "models" / "small")


def test_without_the_library_the_command_is_named(hollow, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    assert refused(hollow) == (
        "sentence-encoder needs the package sentence-transformers, which is not installed: "
        "pip install 'shopzoo-transformer[sentence]'"
    )


def test_code_that_comes_with_a_model_is_refused(hollow):
    (hollow / "modules.json").write_text(json.dumps([{"type": "modeling_mine.Mine", "path": ""}]))
    assert refused(hollow) == (
        f"sentence-encoder: {hollow / 'modules.json'} names modeling_mine.Mine, which is not part of sentence-transformers: code that "
        "comes with a model is not run. Choose a model without custom code."
    )
    (hollow / "modules.json").write_text('{"type": 1}')
    assert "modules.json cannot be read" in refused(hollow)


@pytest.mark.parametrize("titles", [[None] * 10, [""] * 10, [" \t"] * 10, [None] * 5 + ["new"] * 5], ids=str)
def test_items_without_any_text_are_refused(hollow, titles):
    bare = Catalogue(CATALOGUE.ids, pa.table({"title": pa.array(titles, pa.string())}))
    with pytest.raises(DataError) as error:
        encoder(hollow).fit(TrainingData.of(LOG, bare), RunContext())
    assert str(error.value) == (
        "the catalogue's 'title': no text for any of the 4 items that occur in training. Choose other `columns`, or correct the "
        "items file."
    )
    with pytest.raises(DataError, match=r"no column 'titel'\. Did you mean 'title'\?"):
        encoder(hollow, columns=["titel"]).fit(DATA, RunContext())


@pytest.fixture(scope="module")
def library():
    return pytest.importorskip("sentence_transformers")


@pytest.fixture(scope="module")
def model(library, tmp_path_factory):
    """Return the folder of a real model, of two layers and a few words, whose weights are drawn."""
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    config = BertConfig(
        vocab_size=len(WORDS) + 5, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder / "bert")
    BertTokenizerFast(vocab={token: at for at, token in enumerate(tokens)}, model_max_length=32).save_pretrained(
        folder / "bert"
    )
    transformer = Transformer(str(folder / "bert"), max_seq_length=32)
    library.SentenceTransformer(modules=[transformer, Pooling(16, "mean")], device="cpu").save(str(folder / "small"))
    return folder / "small"


@pytest.fixture(scope="module")
def fitted(model):
    featurizer = encoder(model)
    featurizer.fit(DATA, RunContext())
    return featurizer


@needs_library
def test_it_equals_the_librarys_own_vectors(library, model, fitted):
    texts = [title or "" for title in TITLES]
    peer = library.SentenceTransformer(str(model), device="cpu").encode(texts, normalize_embeddings=True)
    features = fitted.transform(CATALOGUE)
    empty = [not text.strip() for text in texts]
    assert not features.values[empty].any()
    np.testing.assert_allclose(features.values[~np.array(empty)], peer[~np.array(empty)], atol=1e-6)
    torch.testing.assert_close(features.values[~np.array(empty)].norm(dim=1), torch.ones(len(texts) - sum(empty)))
    assert len(features.names) == features.values.shape[1] == 16


@needs_library
@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_neither_the_batch_nor_its_order_nor_its_padding_matter(model, fitted, batch_size):
    other, order = encoder(model, batch_size=batch_size), np.array([0, 9, 8, 3, 1, 4])
    other.fit(DATA, RunContext())
    some = Catalogue(CATALOGUE.ids.take(pa.array(order)), CATALOGUE.table.take(pa.array(order)))
    whole = fitted.transform(CATALOGUE).values
    torch.testing.assert_close(other.transform(some).values, whole[order], atol=1e-6, rtol=0)


@needs_library
def test_a_catalogue_without_a_text_has_zeros_of_the_same_width(fitted):
    bare = Catalogue(CATALOGUE.ids, pa.table({"title": pa.nulls(len(TITLES), pa.string())}))
    assert torch.equal(fitted.transform(bare).values, torch.zeros(len(TITLES), 16))


@needs_library
def test_a_prompt_and_a_length_change_what_is_read(library, model, fitted):
    other = encoder(model, prompt="the ", text_length=6)
    other.fit(DATA, RunContext())
    peer = library.SentenceTransformer(str(model), device="cpu")
    peer.max_seq_length = 6
    expected = peer.encode([f"the {TITLES[2]}"], normalize_embeddings=True)[0]
    found = other.transform(CATALOGUE).values[2]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert not torch.allclose(found, fitted.transform(CATALOGUE).values[2], atol=1e-3)
    assert refused(model, text_length=33) == (
        f"sentence-encoder: text_length = 33, but the model in {model} reads at most 32 tokens: set text_length = 32 or less"
    )


@needs_library
def test_nothing_is_asked_of_a_network_and_nothing_is_printed(model, monkeypatch, capfd):
    def asked(*_):
        raise AssertionError("a network was asked")

    monkeypatch.setattr("socket.socket.connect", asked)
    monkeypatch.setattr("socket.getaddrinfo", asked)
    featurizer = encoder(model)
    featurizer.fit(DATA, RunContext())
    assert featurizer.transform(CATALOGUE).values.any()
    assert capfd.readouterr() == ("", "")


@needs_library
def test_another_model_in_the_folder_is_an_error_and_an_absent_one_only_where_it_is_needed(model, tmp_path):
    folder = copytree(model, tmp_path / "small")
    featurizer = encoder(folder)
    with pytest.raises(NotFittedError):
        featurizer.transform(CATALOGUE)
    featurizer.fit(DATA, RunContext())
    state = State({}, json.loads(json.dumps(featurizer.state().values)))
    again = encoder(folder)
    again.load_state(state)
    assert torch.equal(again.transform(CATALOGUE).values, featurizer.transform(CATALOGUE).values)
    (folder / "README.md").write_text("Read me.")  # no part of the model
    encoder(folder).load_state(state)
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        encoder(folder).load_state(state)
    assert str(error.value) == (
        f"sentence-encoder: the model in {folder} differs from the one used in `fit`: its files have changed. Restore the "
        "original files, or fit again."
    )
    moved = encoder(folder.rename(tmp_path / "moved").with_name("gone"))
    moved.load_state(state)
    with pytest.raises(ConfigError, match="there is no such folder, and none is downloaded"):
        moved.transform(CATALOGUE)


@needs_library
def test_a_model_without_safe_weights_is_refused(model, tmp_path):
    folder = copytree(model, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert refused(folder).startswith(f"sentence-encoder: the model in {folder} cannot be loaded (OSError: ")
    assert refused(folder).endswith("Fetch it again, with its weights as safetensors, or choose another.")


@needs_library
def test_it_passes_the_checks_of_the_kit(model):
    component = default_registry().find("featurizer", "sentence-encoder")
    spec = replace(component.spec, tiny={"model": str(model)}, expected_failures={})
    results = {case.check_id: case.result() for case in cases([replace(component, spec=spec)])}
    assert {name: r.detail for name, r in results.items() if r.outcome == "failed"} == {}
    assert {
        "featurizer.fresh-process",
        "featurizer.row-alone",
        "featurizer.side-effects",
        "featurizer.global-seed",
    } <= {name for name, r in results.items() if r.outcome == "passed"}
