"""Keys of titles: two titles of one article have the same key, whatever their case, punctuation, order of words and typing errors.

A typing error is one letter that is missing, added, exchanged with its neighbour or wrong (Damerau: A technique for computer
detection and correction of spelling errors. CACM 7, 1964). Words that are near each other are found by the words without one
letter (Bocek, Hunt & Stiller: Fast similarity search in large dictionaries. 2007), and only the vocabulary is searched, not pairs of titles.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SHORTEST = 5
"""Letters of a word below which it is not corrected: `size` and `side`, `red` and `rod` are different words."""
RARE = 0.05
"""The most titles with a mistyped word, as a share of the titles with the right one; one title always may have it."""
FEWEST_WORDS = 3
"""Words of a title below which none is corrected: of two words, one is the article."""


def title_keys(titles: pa.ChunkedArray | pa.Array, *, similar: bool = False) -> pa.Array:
    """Return a key for each title, `[I]`: titles with the same key are taken for titles of one article.

    Args:
        titles: The titles as texts, `[I]`.
        similar: Whether the place of a word, and a typing error in a rare word, make no difference. Numbers, words with fewer
            than five letters and codes (capitals among small letters) must be equal and in the same order: they tell sizes and
            models apart.

    Returns:
        Texts; null where there is no title, or only punctuation.
    """
    text = titles.cast(pa.string())
    text = pc.utf8_normalize(text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text, form="NFKC")
    text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"[\p{P}\p{Z}\p{C}\s]+", " "))
    text = pc.if_else(pc.equal(text, ""), None, text)
    folded = pa.array([None if title is None else title.casefold() for title in text.to_pylist()], pa.string())
    return _without_order_and_errors(folded, _codes(text)) if similar and text.null_count < len(text) else folded


def _codes(texts: pa.Array) -> pa.Array:
    """Return the words that are mostly in capitals, in texts that mostly have small letters; none where most texts are in capitals."""
    mixed = texts.filter(pc.match_substring_regex(texts, r"\p{Ll}").fill_null(False))
    if 2 * len(mixed) < len(texts) - texts.null_count:
        return pa.array([], pa.string())
    counted = pc.value_counts(pc.list_flatten(pc.split_pattern(mixed, " ")))
    capitals: dict[str, int] = {}
    for word, count in zip(*(counted.field(name).to_pylist() for name in ("values", "counts")), strict=True):
        capitals[word.casefold()] = capitals.get(word.casefold(), 0) + (count if word.isupper() else -count)
    return pa.array([word for word, more in capitals.items() if more > 0], pa.string())


def _without_order_and_errors(texts: pa.Array, codes: pa.Array) -> pa.Array:
    """Return the short words and codes, then the numbers of each text, then its other words in the order of the alphabet, corrected."""
    lists = pc.split_pattern(texts, " ")
    encoded = pc.list_flatten(lists).dictionary_encode()
    words, numbers = encoded.dictionary, np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)
    of = np.asarray(pc.list_parent_indices(lists).to_numpy(zero_copy_only=False), np.int64)
    alpha, length = pc.utf8_is_alpha(words), pc.utf8_length(words)
    plain = pc.and_(alpha, pc.invert(pc.is_in(words, codes)))
    letters, plain = (np.asarray(which.to_numpy(zero_copy_only=False), np.bool_) for which in (alpha, plain))
    free = plain & (length.to_numpy() >= SHORTEST)
    frequency = np.bincount(np.unique(of * len(words) + numbers) % len(words), minlength=len(words))
    corrected, enough = _corrections(words, plain, frequency), np.bincount(of, minlength=len(texts)) >= FEWEST_WORDS
    numbers = np.where(enough[of], corrected[numbers], numbers)
    rank = np.asarray(pc.rank(words, sort_keys="ascending", tiebreaker="first").to_numpy(), np.int64)
    place = np.where(free, rank, -letters.astype(np.int64))
    order = np.lexsort((place[numbers], of))  # keeps the order of words with the same place
    offsets = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(texts)))])
    ordered = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), words.take(pa.array(numbers[order])))
    return pc.if_else(texts.is_valid(), pc.binary_join(ordered, " "), None)


def _corrections(words: pa.Array, plain: NDArray[np.bool_], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the word that each word stands for, `[V]`: the most frequent one with one letter's difference, if it is rare itself.

    Args:
        words: The words, each once, `[V]`.
        plain: Which of them have letters only and are no codes, `[V]`.
        counts: The number of titles with each word, `[V]`.
    """
    result = np.arange(len(words))
    lengths = pc.utf8_length(words).to_numpy()
    able = np.flatnonzero(plain & (lengths >= SHORTEST - 1))  # a letter may be missing
    if len(able) < 2:
        return result
    keys, of = [words.take(pa.array(able))], [able]
    for place in range(int(lengths[able].max())):
        longer = able[lengths[able] > place]
        keys.append(pc.utf8_replace_slice(words.take(pa.array(longer)), place, place + 1, ""))
        of.append(longer)
    group = pa.concat_arrays(keys).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    word = np.concatenate(of)
    order = np.lexsort((word, -counts[word], group))  # the most frequent word of each group first
    group, word = group[order], word[order]
    first = np.flatnonzero(np.diff(group, prepend=-1))
    right = word[np.repeat(first, np.diff(np.append(first, len(word))))]
    rare = (right != word) & (lengths[right] >= SHORTEST) & (counts[word] <= np.maximum(RARE * counts[right], 1))
    pairs = np.unique(np.stack([word[rare], right[rare]], axis=1), axis=0)
    texts = words.to_pylist()
    near = [(w, r) for w, r in pairs.tolist() if _differs_by_one_letter(texts[w], texts[r])]
    near.sort(key=lambda pair: (counts[pair[1]], -pair[1]))  # the most frequent one last, which remains
    for wrong, for_it in near:
        result[wrong] = for_it
    return result[result]


def _differs_by_one_letter(one: str, other: str) -> bool:
    """Return whether a letter is missing in one of two different words, or wrong, or two neighbours are exchanged."""
    short, long = sorted((one, other), key=len)
    start = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(long) > len(short):
        return short[start:] == long[start + 1 :]
    swapped = short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]
    return swapped or short[start + 1 :] == long[start + 1 :]
