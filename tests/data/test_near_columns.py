"""The column that a user may have meant, and how to map it."""

import pyarrow as pa
import pytest

import zoo
from zoo.data.catalogue import Catalogue
from zoo.data.near_columns import format_mapping, near_column
from zoo.errors import DataError


@pytest.mark.parametrize(
    ("name", "columns", "near"),
    [
        ("title", ["Title", "name"], "Title"),  # the same words
        ("user_id", ["user", "userId"], "userId"),
        ("title", ["titel", "colour"], "titel"),  # spelled alike
        ("timestamp", ["Timestmp"], "Timestmp"),
        ("title", ["product_name", "brand_name_of_maker"], "product_name"),  # a usual word
        ("item_id", ["sku", "customer"], "sku"),
        ("user_id", ["CustomerNo", "sku"], "CustomerNo"),
        ("timestamp", ["sku", "order_date"], "order_date"),
        ("brand", ["maker", "colour"], ""),
        ("title", [], ""),
        ("user_id", ["visitorid"], "visitorid"),  # whole words
        ("user_id", ["customer_unique_id", "customer_city"], "customer_unique_id"),
        ("event", ["transaction_id", "event_time", "event_id"], ""),
        ("event", ["event_time", "event_type"], "event_type"),
        ("basket_id", ["order_date", "orderNo"], "orderNo"),
        ("title", ["username", "headline"], "headline"),
        ("title", ["style"], ""),
        ("timestamp", ["lifetime_value", "update_flag", "created_at"], "created_at"),
        ("timestamp", ["lifetime_value", "update_flag"], ""),
        ("item_id", ["item_count", "item_price", "product_id"], "product_id"),
        ("item_id", ["item_count"], ""),
        ("quantity", ["country"], ""),
        ("quantity", ["item_count", "country"], "item_count"),
        ("price", ["rice"], ""),
    ],
)
def test_the_nearest_column(name, columns, near):
    assert near_column(name, columns) == near


def test_a_mapping_in_a_file_and_in_python():
    assert format_mapping("data.item_columns", "title", "name") == (
        'data.item_columns = { title = "name" } (in Python, item_columns={"title": "name"})'
    )


def test_a_missing_item_column_says_how_to_map_the_one_that_holds_it():
    catalogue = Catalogue(pa.array([None, "a"]), pa.table({"product_name": [None, "hat"], "cost": [None, 1.0]}))
    with pytest.raises(DataError) as error:
        catalogue.column("title")
    start = "the catalogue has no column 'title'. Did you mean 'product_name'? Its columns: product_name, cost."
    assert str(error.value) == (
        f'{start} Map the column that holds it: data.item_columns = {{ title = "product_name" }} (in Python, '
        'item_columns={"title": "product_name"}).'
    )
    assert error.value.found == start
    with pytest.raises(DataError, match=r"no column 'brnd'\. Its columns: product_name, cost\.$"):
        catalogue.column("brnd")  # a name without a fixed meaning needs no mapping


def test_a_file_without_a_canonical_column_says_how_to_map_it(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("customer,sku,when\nu,i,1700000000\n")
    with pytest.raises(
        DataError, match=r"no column 'user_id'\. Did you mean 'customer'\?.*columns=\{\"user_id\": \"customer\"\}"
    ):
        zoo.read_log(file)


def test_a_proposed_mapping_names_a_column_of_the_file(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("who,sku,created_at\nu,i,1700000000\n")
    with pytest.raises(DataError, match=r"columns=\{\"timestamp\": \"created_at\"\}"):
        zoo.read_log(file, columns={"user_id": "who", "item_id": "sku", "day_date": "created_at"})
