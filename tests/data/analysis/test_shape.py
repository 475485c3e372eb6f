"""Files of other shapes than one event per row: the report reads them, or says what to do, and that works."""

import json

import pyarrow.parquet as pq
import pytest

from zoo.config.load import load_data_experiment, load_experiment
from zoo.data.analysis.analyse import analyse
from zoo.data.task import load_task
from zoo.errors import DataError
from zoo.registry.registry import registry_with

START = 1_700_000_000
ORDERS = [
    {"user_id": f"u{user}", "order_id": f"o{user}-{order}", "timestamp": START + 977 * user + 864_000 * order, "n": (user * order) % 50}
    for user in range(300)
    for order in range(5)
]  # fmt: skip


def report(file, *overrides):
    return analyse(load_data_experiment(file, overrides=overrides, registry=registry_with()), file.name, guess=True)


def lines(rows):
    return "\n".join(map(json.dumps, rows)) + "\n"


def with_items(name, make):
    return [{key: value for key, value in order.items() if key != "n"} | {name: make(order["n"])} for order in ORDERS]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("items", lambda n: [f"i{n}", f"i{n + 1}"]),
        ("item_id", lambda n: [n, n + 1]),
        ("lines", lambda n: [{"sku": f"i{n}", "price": 2.5}, {"sku": f"i{n + 1}", "price": 3.5}]),
    ],
)
def test_baskets_as_nested_json_are_refused_with_a_command_that_unnests_them(tmp_path, monkeypatch, name, make):
    pytest.importorskip("duckdb")
    file = tmp_path / "orders.json"
    file.write_text(lines(with_items(name, make)))
    with pytest.raises(
        DataError, match=f"The column '{name}' holds a list in each row, as a basket of items does"
    ) as caught:
        report(file)
    monkeypatch.chdir(tmp_path)
    exec(str(caught.value).splitlines()[-1], {})
    found = report(tmp_path / "orders-rows.parquet")
    assert found.size.n_events == 2 * len(ORDERS)
    assert found.size.users == 300
    proposed = tmp_path / "proposed.toml"
    proposed.write_text(found.proposal)
    assert len(load_task(load_experiment(proposed).require_recommend()).queries("test")) > 0


def rows_of(caught, folder, monkeypatch):
    """Run the command of a message, and return the report on the file that it writes."""
    monkeypatch.chdir(folder)
    exec(str(caught.value).splitlines()[-1], {})
    return report(folder / "orders-rows.parquet")


def test_records_in_baskets_become_columns(tmp_path, monkeypatch):
    pytest.importorskip("duckdb")
    file = tmp_path / "orders.json"
    lines_of = [
        {
            "order_id": order["order_id"],
            "price": 9.5,
            "customer": {"id": order["user_id"], "place": {"country": "DE"}},
            "created": order["timestamp"],
            "lines": [{"product": {"id": f"i{order['n'] + k}"}, "price": 2.5, "qty": 1} for k in range(2)],
        }
        for order in ORDERS
    ]
    file.write_text(json.dumps(lines_of, indent=1))
    with pytest.raises(DataError, match="The column 'lines' holds a list") as caught:
        report(file)
    found = rows_of(caught, tmp_path, monkeypatch)
    assert found.size.users == 300
    assert found.size.n_events == 2 * len(ORDERS)
    assert {g for g in found.guessed if "_id is" in g} == {
        "user_id is the column 'customer_id' of the events",
        "item_id is the column 'product_id' of the events",
        "basket_id is the column 'order_id' of the events",
    }
    names = pq.read_schema(tmp_path / "orders-rows.parquet").names
    assert names == ["order_id", "price", "created", "customer_id", "customer_place_country", "product_id", "lines_price", "qty"]  # fmt: skip


def test_several_items_in_one_text_are_divided(tmp_path, monkeypatch):
    pytest.importorskip("duckdb")
    file = tmp_path / "orders.csv"
    texts = [f"{o['user_id']},{o['timestamp']},i{o['n']}|i{o['n'] + 1}" for o in ORDERS]
    file.write_text("\n".join(["user_id,timestamp,items", *texts]))
    with pytest.raises(
        DataError, match=r"The column 'items' holds several values in a row, separated by '\|'"
    ) as caught:
        report(file)
    assert rows_of(caught, tmp_path, monkeypatch).size.n_events == 2 * len(ORDERS)


def test_sessions_without_users_are_split_by_session(tmp_path):
    rows = [f"s{s},i{(s * k) % 60},{START + 300 * s + 10 * k}" for s in range(1200) for k in range(4)]
    file = tmp_path / "clicks.csv"
    file.write_text("\n".join(["session_id,item_id,timestamp", *rows]))
    found = report(file)
    assert found.size.user_kind == "sessions"
    assert 'unit = "session"' in found.proposal
    proposed = tmp_path / "proposed.toml"
    proposed.write_text(found.proposal)
    task = load_task(load_experiment(proposed).require_recommend())
    assert found.split.queries == {part: len(task.queries(part)) for part in ("validate", "test")}


@pytest.mark.parametrize("name", ["session_id", "visit"])
def test_sessions_without_users_and_times_are_held_out(tmp_path, name):
    rows = [f"{s},i{(7 * s + k) % 60},{k}" for s in range(2000) for k in range(2 + s % 3)]
    file = tmp_path / "clicks.csv"
    file.write_text("\n".join([f"{name},item_id,position", *rows]))
    found = report(file)
    proposed = tmp_path / "proposed.toml"
    proposed.write_text(found.proposal)
    assert f'user_id = "{name}"' in found.proposal
    assert "sessions are held out" in found.proposal
    task = load_task(load_experiment(proposed).require_recommend())
    assert found.split.queries == {part: len(task.queries(part)) for part in ("validate", "test")}
    assert found.split.queries["test"] == 200  # each of the held-out sessions


def test_text_without_a_header_is_refused_with_the_line_to_write(tmp_path):
    rows = "\n".join(f"{o['user_id']}\ti{o['n']}\t{1 + o['n'] % 5}\t{o['timestamp']}" for o in ORDERS)
    file = tmp_path / "ratings.tsv"
    file.write_text(rows)
    with pytest.raises(DataError) as caught:
        report(file)
    assert str(caught.value).endswith(
        "The first row holds values in place of the names of columns (u0, i0, 1, 1700000000). Write a line with the names above "
        "it, such as user_id item_id column_3 column_4, separated as the other lines are."
    )
    file.write_text(f"user_id\titem_id\trating\ttimestamp\n{rows}")
    assert report(file).size.n_events == len(ORDERS)


def test_text_without_a_header_is_known_by_values_that_occur_again_and_by_dates(tmp_path):
    for name, row in (("again", "anna\tcup\tview"), ("date", "anna\tcup\t2024-01-31T10:00")):
        file = tmp_path / f"{name}.tsv"
        file.write_text("\n".join([row, "bert\tcup\tbuy", "carl\tpan\tview"]))
        with pytest.raises(
            DataError, match="The first row holds values in place of the names of columns \\(anna, cup, "
        ):
            report(file)


def test_another_reason_has_no_advice(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("user_id,when\na,2024-01-01\n")
    with pytest.raises(DataError) as caught:
        report(file)
    assert "\n" not in str(caught.value)
