"""A pretrained sentence encoder from a local folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shopzoo_transformer.params import PACKAGE, SentenceEncoderParams
from zoo.api import Catalogue, ConfigError, Featurizer, Fitted, ItemFeatures, RunContext, State, TrainingData

LONGEST = 100_000
"""Maximum number of characters of a text to read; this exceeds the token limit of any model."""
FETCH = "Fetch one beforehand, where there is a network: hf download ORGANISATION/NAME --local-dir FOLDER"


class SentenceEncoder(Featurizer[SentenceEncoderParams]):
    """Vectors of item texts by a pretrained model of the sentence-transformers library (Reimers and Gurevych, EMNLP 2019).

    The tokenizer, the maximum number of tokens and the pooling (usually the mean over tokens) are those of the model. Texts of
    similar length are encoded together; vectors have length 1, and an item without text has a zero vector. The model is not
    trained on the shop's data, and each text, including those of new items, costs one forward pass. Use a multilingual model
    for a shop in several languages.

    The model is loaded from a local folder and never downloaded; get it beforehand with
    `hf download ORGANISATION/NAME --local-dir FOLDER`. The folder must contain safetensors and no custom code, and the library
    is an extra: `pip install 'shopzoo-transformer[sentence]'`. An artifact does not include the model, but a hash of its files:
    to encode new items, the same model must be present, and a different one is an error.
    """

    fitted = Fitted(fingerprint=str)
    fingerprint: str
    """A hash of the model's files."""

    def __init__(self, params: SentenceEncoderParams) -> None:
        super().__init__(params)
        self.device = torch.device("cpu")

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Load the model and compute its fingerprint; nothing is trained.

        Raises:
            ConfigError: There is no such model, or the library is not installed.
            DataError: No known item has a text.
        """
        data.texts(self.params.columns)  # raise errors about texts in `fit`
        self.device = context.device
        folder = folder_of(self.params.model)
        self.fingerprint = fingerprint_of(folder)
        self._model = load_model(folder, self.device, self.params.text_length)  # likewise

    def transform(self, catalogue: Catalogue) -> ItemFeatures:
        """Return the vectors of the items' texts, `[I, D]`; zeros for an item without text."""
        texts = catalogue.texts(self.params.columns)
        filled = [item for item, text in enumerate(texts) if text.strip()]
        found = self._encoded([texts[item][:LONGEST] for item in filled] or ["-"])
        vectors = torch.zeros(len(texts), found.shape[1])
        vectors[filled] = found[: len(filled)]
        return ItemFeatures(vectors, tuple(f"sentence-{i}" for i in range(vectors.shape[1])))

    def load_state(self, state: State) -> None:
        """Restore the fingerprint. The folder may be missing until there is a text to encode.

        Raises:
            ConfigError: The folder contains a different model than at the fit.
        """
        super().load_state(state)
        if self.params.model.startswith(PACKAGE) or Path(self.params.model).is_dir():
            self._folder()

    def _encoded(self, texts: list[str]) -> Tensor:
        """Return the vectors of texts, `[N, D]`; the library sorts texts by length."""
        p = self.params
        vectors: Tensor = self._model.encode(
            texts, batch_size=p.batch_size, prompt=p.prompt, normalize_embeddings=True, convert_to_tensor=True,
            show_progress_bar=False,
        )  # fmt: skip
        return vectors.float().cpu().clone()  # the library's may be inference tensors

    def _folder(self) -> Path:
        """Return the folder of the model, after checking its fingerprint.

        Raises:
            ConfigError: There is no model, or it differs from the one of the fit.
        """
        expected, folder = self.fingerprint, folder_of(self.params.model)
        if fingerprint_of(folder) != expected:
            raise ConfigError(
                f"sentence-encoder: the model in {folder} differs from the one used in `fit`: its files have changed. "
                "Restore the original files, or fit again."
            )
        return folder

    @cached_property
    def _model(self) -> Any:
        """Return the model, on the device of the fit."""
        return load_model(self._folder(), self.device, self.params.text_length)


def folder_of(model: str) -> Path:
    """Return the folder of a model: a path, or a folder in an installed package, which is not imported.

    Raises:
        ConfigError: There is no such folder, it contains no model, or the model includes custom code.
    """
    folder = Path(model)
    if model.startswith(PACKAGE):
        name, _, below = model.removeprefix(PACKAGE).partition("/")
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            raise ConfigError(
                f"sentence-encoder: model = {model!r} asks for a folder of the package {name!r}, which is not installed: "
                "install it, or give the path of a folder"
            )
        folder = Path(spec.submodule_search_locations[0]) / below
    if not folder.is_dir():
        what = "it is a file" if folder.exists() else "there is no such folder"
        raise ConfigError(
            f"sentence-encoder: model = {model!r} should be the folder of a model, {what}, and none is downloaded. {FETCH}"
        )
    parts = folder / "modules.json"
    if not parts.is_file() and not (folder / "config.json").is_file():
        found = ", ".join(sorted(p.name for p in folder.iterdir())[:5]) or "nothing"
        raise ConfigError(
            f"sentence-encoder: {folder} holds no model of sentence-transformers: expected modules.json in it, found {found}. "
            f"Give the folder into which a model was saved. {FETCH}"
        )
    _check_no_code(parts)
    return folder


def _check_no_code(parts: Path) -> None:
    """Check that the model has no custom code.

    Raises:
        ConfigError: It has, or its list of modules cannot be read.
    """
    try:
        kinds = [str(part["type"]) for part in json.loads(parts.read_text("utf-8"))] if parts.is_file() else []
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"sentence-encoder: {parts} cannot be read ({error}), expected a list of tables with `type`. Fetch the model again."
        ) from error
    if foreign := [kind for kind in kinds if not kind.startswith("sentence_transformers.")]:
        raise ConfigError(
            f"sentence-encoder: {parts} names {foreign[0]}, which is not part of sentence-transformers: code that comes with a "
            "model is not run. Choose a model without custom code."
        )


def fingerprint_of(folder: Path) -> str:
    """Return a hash of the names and contents of a folder's files, except hidden and Markdown files."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.is_file() and file.suffix != ".md" and not any(part.startswith(".") for part in name.parts):
            with file.open("rb") as content:
                whole = hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
            digest.update(f"{name.as_posix()} {whole}\n".encode())
    return digest.hexdigest()


def load_model(folder: Path, device: torch.device, text_length: int | None) -> Any:
    """Load the model of a folder.

    Raises:
        ConfigError: The library is not installed, it cannot load the model, or `text_length` exceeds the limit of the model.
    """
    try:
        import sentence_transformers
    except ModuleNotFoundError as error:
        raise ConfigError(
            "sentence-encoder needs the package sentence-transformers, which is not installed: "
            "pip install 'shopzoo-transformer[sentence]'"
        ) from error
    try:
        with _quiet(), torch.random.fork_rng(devices=[]):  # initial weights are drawn and overwritten
            model = sentence_transformers.SentenceTransformer(
                str(folder), device=str(device), local_files_only=True, trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )  # fmt: skip
    except Exception as error:  # the library raises errors of many types
        raise ConfigError(
            f"sentence-encoder: the model in {folder} cannot be loaded ({type(error).__name__}: {error}). Fetch it again, with "
            "its weights as safetensors, or choose another."
        ) from error
    most = model.max_seq_length
    if text_length is not None:
        if most is not None and text_length > most:
            raise ConfigError(
                f"sentence-encoder: text_length = {text_length}, but the model in {folder} reads at most {most} tokens: set "
                f"text_length = {most} or less"
            )
        model.max_seq_length = text_length
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Disable the progress bar of transformers."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
