"""Keys of titles: what is one article, and what is two."""

import pyarrow as pa
import pytest

from zoo.data.titles import _differs_by_one_letter, title_keys

SHELF = [f"{colour} leather {kind}, size {size}" for colour in ("brown", "white") for kind in ("sandals", "sneakers") for size in (37, 41)]  # fmt: skip


def alike(one, other, *, similar=True, among=SHELF):
    keys = title_keys(pa.array([one, other, *among]), similar=similar).to_pylist()
    return keys[0] == keys[1]


@pytest.mark.parametrize(("one", "other"), [
    ("Straße 1.5 l", "STRASSE, 1.5 L"), ("Brown leather", "  brown   LEATHER."), ("café noir", "cafe\u0301 noir"), ("½ pint", "1⁄2 pint"),
])  # fmt: skip
def test_case_punctuation_white_space_and_composition_make_no_difference(one, other):
    assert alike(one, other, similar=False)
    assert alike(one, other)


@pytest.mark.parametrize(("one", "other"), [
    ("Brown leather sandals, size 37", "Sandals brown leather, size 37"),
    ("Brown leather sandals, size 37", "Brown laether sandals, size 37"),
    ("Brown leather sandals, size 37", "Brown leathr sandals, size 37"),
    ("Brown leather sandals, size 37", "Brown leatther sandals, size 37"),
    ("Brown leather sandals, size 37", "Brown leather sxndals, size 37"),
    ("White leather sneakers, size 41", "Sneakers whte leather, size 41"),
])  # fmt: skip
def test_the_place_of_a_word_and_a_typing_error_make_no_difference_if_similar(one, other):
    assert alike(one, other)
    assert not alike(one, other, similar=False)


@pytest.mark.parametrize(("one", "other"), [
    ("Brown leather sandals, size 37", "Brown leather sandals, size 41"),
    ("Brown leather sandals, size 37", "White leather sandals, size 37"),
    ("Brown leather sandals, size 3.7", "Brown leather sandals, size 7.3"),
    ("Brown leather cable F/M", "Brown leather cable M/F"),
    ("Brown leather shoe tree", "Brown leather shoe true"),
    ("Brown leather ABCDE", "Brown leather ABCDF"),
    ("Leather", "Leathers"),
    ("Wooden ladder", "Wooden lader"),
])  # fmt: skip
def test_sizes_colours_codes_and_short_titles_are_told_apart(one, other):
    assert not alike(one, other)


def test_two_frequent_words_are_no_typing_errors():
    many = [f"{word} {n} cushion blue" for word in ("glass", "grass") for n in range(10)]
    assert not alike("glass 99 cushion blue", "grass 99 cushion blue", among=many)


def test_items_without_a_title_have_no_key():
    titles = pa.chunked_array([[None, "", " ?! "], ["a"]])
    for similar in (False, True):
        assert title_keys(titles, similar=similar).to_pylist() == [None, None, None, "a"]
    assert title_keys(pa.nulls(2), similar=True).to_pylist() == [None, None]


@pytest.mark.parametrize(("one", "other", "near"), [
    ("square", "squaer", True), ("square", "squar", True), ("square", "ssquare", True), ("square", "squxre", True),
    ("square", "quares", False), ("abcdx", "xabcd", False), ("square", "squxrx", False), ("square", "squ", False), ("ab", "ba", True),
])  # fmt: skip
def test_words_that_differ_by_one_letter(one, other, near):
    assert _differs_by_one_letter(one, other) is near
    assert _differs_by_one_letter(other, one) is near
