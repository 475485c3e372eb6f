"""The tokenizer of the neural text encoders: byte-pair encoding learned from the catalogue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.texts import Texts
from zoo.errors import ConfigError, DataError

PADDING, UNKNOWN = SPECIAL = ["[PAD]", "[UNK]"]
MAX_CHARACTERS = 20_000
"""Maximum number of characters read from a text, far more than any sensible number of tokens needs."""

BLOCK = 1_000
"""Texts to tokenize at a time."""


class Tokenizer:
    """Splits texts into words and words into frequent subword tokens (Sennrich et al., ACL 2016).

    Uses the `tokenizers` library. Words of new items consist of known tokens, so unknown tokens are rare: they occur only
    for the rarest characters if there are more characters than tokens. Token 0 is padding.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @classmethod
    def learned(cls, texts: Sequence[str], size: int) -> Tokenizer:
        """Learn a vocabulary of at most `size` tokens.

        Raises:
            DataError: No text contains a word.
            ConfigError: The library is not installed.
        """
        library = _library()
        tokenizer = _empty(library, library.models.BPE(unk_token=UNKNOWN))
        cut = [text[:MAX_CHARACTERS] for text in texts]
        room = size - len(SPECIAL)
        trainer = library.trainers.BpeTrainer(
            vocab_size=size,
            limit_alphabet=room,
            initial_alphabet=_most_frequent_characters(tokenizer, cut, room),
            special_tokens=SPECIAL,
            show_progress=False,
        )
        tokenizer.train_from_iterator(cut, trainer)
        if tokenizer.get_vocab_size() <= 2:
            filled = sum(bool(text.strip()) for text in texts)
            raise DataError(
                f"the catalogue's texts contain no words: {filled} of {len(texts)} known items have a text. "
                "Choose other `columns`, or items with texts."
            )
        return cls(tokenizer)

    @classmethod
    def of_json(cls, text: str) -> Tokenizer:
        """Restore a tokenizer from the vocabulary and the merges in its `json`; all else is the same for every tokenizer.

        Raises:
            ValueError: These are not a vocabulary and merges that `learned` found.
        """
        vocabulary, merges = _check_model(json.loads(text))
        library = _library()
        tokenizer = _empty(library, library.models.BPE(vocabulary, merges, unk_token=UNKNOWN))
        tokenizer.add_special_tokens(SPECIAL)
        return cls(tokenizer)

    @property
    def json(self) -> str:
        """Return the tokenizer as JSON."""
        text: str = self._tokenizer.to_str()
        return text

    @property
    def size(self) -> int:
        """Return the vocabulary size, including padding."""
        size: int = self._tokenizer.get_vocab_size()
        return size

    def __call__(self, texts: Sequence[str], length: int) -> Texts:
        """Return the first `length` tokens of each text."""
        found = [np.zeros(0, np.int64)]
        for start in range(0, len(texts), BLOCK):  # an encoding takes about a hundred bytes per character
            some = [text[:MAX_CHARACTERS] for text in texts[start : start + BLOCK]]
            found += [np.array(e.ids[:length], np.int64) for e in self._tokenizer.encode_batch_fast(some)]
        offsets = np.cumsum([len(ids) for ids in found], dtype=np.int64)
        return Texts(offsets, np.concatenate(found))


def _empty(library: Any, model: Any) -> Any:
    """Return a tokenizer of a model, with the normalisation and the words of all tokenizers."""
    tokenizer, normalizers = library.Tokenizer(model), library.normalizers
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = library.pre_tokenizers.Whitespace()
    return tokenizer


def _most_frequent_characters(tokenizer: Any, texts: Sequence[str], count: int) -> list[str]:
    """Return the most frequent characters of normalised texts, the lower code first among equally frequent ones.

    The library chooses among these by the order of a hash table, which differs from process to process.
    """
    found: Counter[str] = Counter()
    for text in texts:
        found.update(tokenizer.normalizer.normalize_str(text))
    kept = [character for character in found if not character.isspace()]
    return sorted(kept, key=lambda character: (-found[character], character))[:count]


def _check_model(saved: Any) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return the vocabulary and the merges in the JSON of a tokenizer.

    Raises:
        ValueError: The JSON has another form, or the numbers of the tokens are not 0 to n - 1, or a merge is not of tokens.
    """
    model = saved.get("model") if isinstance(saved, dict) else None
    vocabulary, merges = (model.get("vocab"), model.get("merges")) if isinstance(model, dict) else (None, None)
    if not isinstance(vocabulary, dict) or not isinstance(merges, list):
        raise ValueError("tokenizer: expected a model with a vocabulary and merges")
    numbers = [number for number in vocabulary.values() if type(number) is int]
    if sorted(numbers) != list(range(len(vocabulary))) or [vocabulary.get(token) for token in SPECIAL] != [0, 1]:
        raise ValueError(f"tokenizer: expected the tokens numbered from 0, the first two {PADDING} and {UNKNOWN}")
    pairs = [tuple(merge.split(" ")) if isinstance(merge, str) else merge for merge in merges]  # text in older versions
    for pair in pairs:
        is_pair = isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        if not is_pair or not {*pair, "".join(pair)} <= vocabulary.keys():
            raise ValueError(f"tokenizer: expected merges of two tokens to a third, found {str(pair)[:60]}")
    return vocabulary, [(left, right) for left, right in pairs]


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
