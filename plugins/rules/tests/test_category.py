import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_rules.category import Category
from shopzoo_rules.params import CategoryParams

from zoo.api import ConfigError, DataError
from zoo.params import validated


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"allow": ["shoes"]}, [1, 2]),
        ({"allow": ["shoes", "bags"]}, [1, 2, 4]),
        ({"deny": ["hats"]}, [1, 2, 4, 6]),
        ({"column": "tags", "allow": ["new"]}, [2, 3]),
        ({"column": "tags", "deny": ["red"]}, [3, 4, 5, 6]),
        ({"column": "tags", "allow": ["new"], "deny": ["red"]}, [3]),
        ({"column": "size", "allow": ["38"]}, [1, 3]),
    ],
)
def test_wanted_and_unwanted_values(kept, params, expected):
    assert kept(Category(CategoryParams(**params)), [1], []) == [expected] * 2


@pytest.mark.parametrize(
    ("params", "history", "expected"),
    [
        ({"like_last": 5}, [1], [1, 2]),
        ({"like_last": 5}, [1, 3], [1, 2, 3, 5]),
        ({"like_last": 1}, [1, 3], [3, 5]),
        ({"like_last": 5}, [], [1, 2, 3, 4, 5, 6]),
        ({"like_last": 5}, [6], [1, 2, 3, 4, 5, 6]),
        ({"like_last": 1}, [1, 6], [1, 2, 3, 4, 5, 6]),
        ({"like_last": 5, "deny": ["hats"]}, [1, 3], [1, 2]),
        ({"like_last": 5, "deny": ["hats"]}, [], [1, 2, 4, 6]),
        ({"like_last": 5, "column": "tags"}, [1], [1, 2]),
        ({"like_last": 5, "column": "tags"}, [2], [1, 2, 3]),
    ],
)
def test_values_of_the_last_items(kept, params, history, expected):
    assert kept(Category(CategoryParams(**params)), history) == [expected]


@given(histories=st.lists(st.lists(st.integers(1, 6), max_size=6), min_size=1, max_size=4), last=st.integers(1, 4))
def test_any_histories_by_a_loop(kept, histories, last):
    category = [None, "shoes", "shoes", "hats", "bags", "hats", None]
    expected = []
    for history in histories:
        liked = {category[i] for i in history[-last:]} - {None}
        expected.append([i for i in range(1, 7) if not liked or category[i] in liked])
    assert kept(Category(CategoryParams(like_last=last)), *histories) == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r'^m: give `allow`, `deny` or `like_last`, e.g. deny = \["Tobacco"\]$'),
        ({"allow": ["a", "b"], "deny": ["b"]}, r"^m: 'b' cannot be both in `allow` and in `deny`$"),
        ({"like_last": 0}, r"^m\.like_last: .* 1, found 0\.$"),
    ],
)
def test_bad_parameters_are_explained(values, message):
    with pytest.raises(ConfigError, match=message):
        validated(CategoryParams, values, "m")


def test_a_value_that_no_item_has_is_an_error(kept):
    message = (
        r"^category: `deny` names 'shoe', which is not a value of the catalogue's column 'category'. Did you mean 'shoes'\? "
        r"Its 3 values: bags, hats, shoes.$"
    )
    with pytest.raises(DataError, match=message):
        kept(Category(CategoryParams(deny=["shoe"])), [1])


def test_a_million_items_by_a_block_of_queries_is_never_a_loop(kept):
    """The answer of a block equals the answers of its queries, for more queries than items."""
    rng = np.random.default_rng(0)
    histories = [rng.integers(1, 7, 3).tolist() for _ in range(50)]
    together = kept(Category(CategoryParams(like_last=2)), *histories)
    assert together == [kept(Category(CategoryParams(like_last=2)), h)[0] for h in histories]
