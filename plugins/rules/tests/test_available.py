import pyarrow as pa
import pytest
import shopzoo_rules
from shopzoo_rules.available import Available, moments
from shopzoo_rules.params import AvailableParams

from zoo.api import Catalogue, DataError

DAY = 86_400_000


@pytest.mark.parametrize(
    ("columns", "now", "expected"),
    [
        ({"in_stock": "in_stock"}, 0, [1, 3, 4, 5, 6]),
        ({"in_stock": "stock"}, 0, [1, 3, 4, 5, 6]),
        ({"available_from": "released"}, 99, [3, 6]),
        ({"available_from": "released"}, 100, [1, 3, 5, 6]),
        ({"available_from": "released"}, 300, [1, 2, 3, 4, 5, 6]),
        ({"available_until": "retired"}, 99, [1, 2, 3, 4, 5, 6]),
        ({"available_until": "retired"}, 100, [1, 2, 3, 4, 6]),
        ({"available_until": "retired"}, 400, [2, 3, 6]),
        ({"available_from": "released", "available_until": "retired"}, 250, [2, 3, 6]),
        ({"available_from": "released", "available_until": "retired", "in_stock": "in_stock"}, 250, [3, 6]),
        ({"available_from": "day"}, DAY - 1, [3, 4, 5, 6]),
        ({"available_from": "day"}, DAY, [1, 3, 4, 5, 6]),
        ({"in_stock": "in_stock_text"}, 0, [1, 3, 4, 5, 6]),
        ({"in_stock": "stock_text"}, 0, [1, 3, 4, 5, 6]),
        ({"available_from": "released_text"}, 100, [1, 3, 5, 6]),
        ({"available_from": "moment_text"}, 999, [2, 3, 4, 5, 6]),
        ({"available_from": "moment_text"}, 1000, [1, 2, 3, 4, 5, 6]),
        ({"available_from": "zoned_text"}, 999, [2, 3, 4, 5, 6]),
        ({"available_from": "zoned_text"}, 1000, [1, 2, 3, 4, 5, 6]),
        ({"available_from": "moment"}, 999, [2, 3, 4, 5, 6]),
        ({"available_from": "moment"}, 1000, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_what_can_be_had_at_a_moment(kept, columns, now, expected):
    assert kept(Available(AvailableParams(**columns)), [1], [2], now=now) == [expected] * 2


def test_without_names_the_usual_columns_are_read(kept, shop):
    table = shop.table.select(["released", "in_stock"]).rename_columns(["available_from", "in_stock"])
    rule = Available(AvailableParams())
    assert kept(rule, [1], now=100, catalogue=Catalogue(shop.ids, table)) == [[1, 3, 5, 6]]
    message = (
        r"^available: the catalogue has none of the columns in_stock, available_from, available_until. Say which of its columns "
        r'tell what can be had, e.g. in_stock = "...". Its columns: price.$'
    )
    with pytest.raises(DataError, match=message):
        kept(rule, [1], catalogue=Catalogue(shop.ids, shop.table.select(["price"])))


@pytest.mark.parametrize(
    ("columns", "needed"),
    [
        ({"in_stock": "x"}, False),
        ({"in_stock": "x", "available_from": "y"}, True),
        ({"available_until": "y"}, True),
        ({}, True),
    ],
)
def test_only_the_stock_alone_needs_no_clock(columns, needed):
    spec = next(s for s in shopzoo_rules.zoo_components() if s.name == "available")
    assert spec.capabilities_for(AvailableParams(**columns)).needs_time == needed


def test_what_does_not_fit_is_explained(kept):
    message = (
        r"^available: the catalogue's column '{}' is {}, expected UTC milliseconds \(integers\), timestamps or dates: "
        r"cast it in the items file, or choose another column$"
    )
    for name, kind in (("price", "double"), ("category", "string")):
        with pytest.raises(DataError, match=message.format(name, kind)):
            kept(Available(AvailableParams(available_from=name)), [1])
    with pytest.raises(DataError, match=r"no column 'instock'. Did you mean 'in_stock'\?"):
        kept(Available(AvailableParams(in_stock="instock")), [1])
    with pytest.raises(DataError, match=r"column 'category' is text, and not all of its values are numbers"):
        kept(Available(AvailableParams(in_stock="category")), [1])


def test_moments_with_gaps_may_be_floats():
    """pandas has integers with gaps as floats."""
    table = pa.table({"released": pa.array([None, 1.7e12, float("nan"), None])})
    found = moments(Catalogue(pa.array([None, "a", "b", "c"]), table), "released", -1)
    assert found.tolist() == [-1, 1_700_000_000_000, -1, -1]
