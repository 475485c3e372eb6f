"""Files of other shapes than one event per row: the report reads them, or says what to do, and that works."""

import json

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


def test_another_reason_has_no_advice(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("user_id,when\na,2024-01-01\n")
    with pytest.raises(DataError) as caught:
        report(file)
    assert "\n" not in str(caught.value)
