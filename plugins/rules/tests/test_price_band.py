import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_rules.params import PriceBandParams
from shopzoo_rules.price_band import PriceBand, ragged_quantile

from zoo.api import ConfigError, DataError
from zoo.params import validated


@pytest.mark.parametrize(
    ("params", "history", "expected"),
    [
        ({"min": 20}, [], [2, 3, 4]),
        ({"max": 20}, [], [1, 2]),
        ({"min": 15, "max": 35}, [], [2, 3]),
        ({"min": 15, "max": 35, "unpriced": "keep"}, [], [2, 3, 5, 6]),
        ({"quantiles": (0, 1)}, [2, 3], [2, 3]),
        ({"quantiles": (0, 1)}, [2, 3, 5], [2, 3]),
        ({"quantiles": (0, 1), "slack": 2}, [2], [1, 2, 3, 4]),
        ({"quantiles": (0, 1), "slack": 1.5}, [2], [2, 3]),
        ({"quantiles": (0.5, 0.5)}, [1, 2, 4], [2]),
        ({"quantiles": (0, 1)}, [], [1, 2, 3, 4]),
        ({"quantiles": (0, 1)}, [5, 6], [1, 2, 3, 4]),
        ({"quantiles": (0, 1), "unpriced": "keep"}, [1], [1, 5, 6]),
        ({"quantiles": (0, 1), "max": 25}, [2, 3], [2]),
        ({"quantiles": (0, 1), "max": 25}, [], [1, 2]),
    ],
)
def test_bands(kept, params, history, expected):
    assert kept(PriceBand(PriceBandParams(**params)), history) == [expected]
    assert kept(PriceBand(PriceBandParams(**params)), [4], history, [])[1] == expected


@given(st.lists(st.lists(st.floats(0, 1e6), max_size=6), min_size=1, max_size=5), st.floats(0, 1))
def test_ragged_quantiles_equal_numpys(rows, q):
    values = np.array([v for row in rows for v in row])
    owners = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    found = ragged_quantile(values, owners, np.array([len(row) for row in rows]), q)
    expected = [np.quantile(row, q) if row else np.nan for row in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"^m: give `min`, `max` or `quantiles`, e.g. quantiles = \[0.1, 0.9\]$"),
        ({"min": 5, "max": 4}, r"^m: min = 5.0 is above max = 4.0: no price fits$"),
        ({"quantiles": [0.9, 0.1]}, r"^m: quantiles must ascend within 0 and 1, found \[0.9, 0.1\]$"),
        ({"max": 1, "slack": 0.5}, r"^m\.slack: .* 1, found 0\.5\.$"),
    ],
)
def test_bad_parameters_are_explained(values, message):
    with pytest.raises(ConfigError, match=message):
        validated(PriceBandParams, values, "m")


def test_a_column_of_text_is_an_error(kept):
    with pytest.raises(DataError, match=r"column 'category' is text, and not all of its values are numbers"):
        kept(PriceBand(PriceBandParams(column="category", max=1)), [1])
