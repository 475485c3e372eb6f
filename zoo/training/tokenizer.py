"""The tokenizer of the neural text encoders: byte-pair encoding learned from the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.texts import Texts
from zoo.errors import ConfigError, DataError

PADDING, UNKNOWN = "[PAD]", "[UNK]"
MAX_CHARACTERS = 20_000
"""Maximum number of characters read from a text, far more than any sensible number of tokens needs."""

BLOCK = 1_000
"""Texts to tokenize at a time."""


class Tokenizer:
    """Splits texts into words and words into frequent subword tokens (Sennrich et al., ACL 2016).

    Uses the `tokenizers` library. Words of new items consist of known tokens, so unknown tokens are rare: they occur only
    for the rarest characters if there are more characters than tokens. Token 0 is padding.
    """

    def __init__(self, made: Any) -> None:
        self._made = made

    @classmethod
    def learned(cls, texts: Sequence[str], size: int) -> Tokenizer:
        """Learn a vocabulary of at most `size` tokens.

        Raises:
            DataError: No text contains a word.
            ConfigError: The library is not installed.
        """
        library = _library()
        made = library.Tokenizer(library.models.BPE(unk_token=UNKNOWN))
        normalizers = library.normalizers
        made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        made.pre_tokenizer = library.pre_tokenizers.Whitespace()
        special = [PADDING, UNKNOWN]
        trainer = library.trainers.BpeTrainer(
            vocab_size=size, limit_alphabet=size - len(special), special_tokens=special, show_progress=False
        )
        made.train_from_iterator([text[:MAX_CHARACTERS] for text in texts], trainer)
        if made.get_vocab_size() <= 2:
            filled = sum(bool(text.strip()) for text in texts)
            raise DataError(
                f"the catalogue's texts contain no words: {filled} of {len(texts)} known items have a text. "
                "Choose other `columns`, or items with texts."
            )
        return cls(made)

    @classmethod
    def of_json(cls, text: str) -> Tokenizer:
        """Restore a tokenizer from its `json`."""
        return cls(_library().Tokenizer.from_str(text))

    @property
    def json(self) -> str:
        """Return the tokenizer as JSON."""
        text: str = self._made.to_str()
        return text

    @property
    def size(self) -> int:
        """Return the vocabulary size, including padding."""
        size: int = self._made.get_vocab_size()
        return size

    def __call__(self, texts: Sequence[str], length: int) -> Texts:
        """Return the first `length` tokens of each text."""
        found = [np.zeros(0, np.int64)]
        for start in range(0, len(texts), BLOCK):  # an encoding takes about a hundred bytes per character
            some = [text[:MAX_CHARACTERS] for text in texts[start : start + BLOCK]]
            found += [np.array(e.ids[:length], np.int64) for e in self._made.encode_batch_fast(some)]
        offsets = np.cumsum([len(ids) for ids in found], dtype=np.int64)
        return Texts(offsets, np.concatenate(found))


def _library() -> Any:
    """Return the `tokenizers` library.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import tokenizers
    except ModuleNotFoundError as error:
        raise ConfigError(
            "a neural text encoder needs the package tokenizers, which is not installed: pip install 'shopzoo[text]'"
        ) from error
    return tokenizers
