"""The tokenizer of the neural text encoders: byte pairs learned from the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.texts import Texts
from zoo.errors import ConfigError, DataError

PADDING, UNKNOWN = "[PAD]", "[UNK]"
LONGEST = 20_000
"""Characters of a text that are looked at: what comes after them is beyond any sensible number of tokens."""

TOGETHER = 1_000
"""Texts that are split at a time."""


class Tokenizer:
    """Splits texts into words, and words into the pieces that occur most often (Sennrich et al., ACL 2016).

    The work is done by the `tokenizers` library. A word of a new item is made of known pieces, so that hardly anything is
    unknown; only where there are more characters than pieces are the rarest unknown. Token 0 is padding.
    """

    def __init__(self, made: Any) -> None:
        self._made = made

    @classmethod
    def learned(cls, texts: Sequence[str], size: int) -> Tokenizer:
        """Learn at most `size` pieces.

        Raises:
            DataError: No text holds a word.
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
        made.train_from_iterator([text[:LONGEST] for text in texts], trainer)
        if made.get_vocab_size() <= 2:
            filled = sum(bool(text.strip()) for text in texts)
            raise DataError(
                f"no token is left of the catalogue's texts: {filled} of {len(texts)} known items have a text. "
                "Choose other `columns`, or items with texts."
            )
        return cls(made)

    @classmethod
    def of_json(cls, text: str) -> Tokenizer:
        """Return the tokenizer that `json` wrote."""
        return cls(_library().Tokenizer.from_str(text))

    @property
    def json(self) -> str:
        """Return the tokenizer as JSON."""
        text: str = self._made.to_str()
        return text

    @property
    def size(self) -> int:
        """Return the number of tokens, padding among them."""
        size: int = self._made.get_vocab_size()
        return size

    def __call__(self, texts: Sequence[str], length: int) -> Texts:
        """Return the first `length` tokens of each text."""
        found = [np.zeros(0, np.int64)]
        for start in range(0, len(texts), TOGETHER):  # in whole, an encoding takes a hundred bytes a character
            some = [text[:LONGEST] for text in texts[start : start + TOGETHER]]
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
