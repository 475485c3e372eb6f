"""The proposed experiment is a file that can be run, and its split suits the data."""

import re
import tomllib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.config.experiment import DataSettings
from zoo.config.load import load_data_experiment, load_experiment
from zoo.data.analysis.analyse import analyse
from zoo.data.analysis.fault import Fault
from zoo.data.analysis.proposal import format_literal
from zoo.data.analysis.propose_cleaners import propose_cleaners
from zoo.data.dataset import Tables
from zoo.data.log import read_data
from zoo.data.task import load_task
from zoo.registry.registry import registry_with

SETS = {
    "amazon-gift-cards": {"policy": "leave-last-out"},
    "ml-100k": {"policy": "leave-last-out"},
    "yoochoose-100k": {"policy": "given", "unit": "session"},
    "retailrocket-small": {"policy": "strong-generalisation"},
    "amazon-sports": {"policy": "leave-last-out"},
    "amazon-toys": {"policy": "leave-last-out"},
    "ml-1m": {"policy": "leave-last-out"},
    "yelp2018": {"policy": "given", "validate_share": 0.1},
}


def runs(report, folder):
    """Write the proposal, load it and return its content and its task."""
    file = folder / "proposed.toml"
    file.write_text(report.proposal, encoding="utf-8")
    return tomllib.loads(report.proposal), load_task(load_experiment(file).require_recommend())


def test_a_shop_with_other_names_is_guessed_split_by_time_and_asked_for_purchases(report_on, shop, tmp_path):
    names = {
        "user_id": "customerId",
        "item_id": "sku",
        "timestamp": "created_at",
        "event": "action",
        "session_id": "visit",
    }
    events = shop.interactions.rename_columns([names.get(n, n) for n in shop.interactions.column_names])
    items = shop.items.rename_columns(["product_id" if n == "item_id" else n for n in shop.items.column_names])
    report = report_on(events, items)
    assert [g for g in report.guessed if "user_id" in g] == ["user_id is the column 'customerId' of the events"]
    proposed, task = runs(report, tmp_path)
    assert proposed["data"]["columns"] == names
    assert proposed["data"]["item_columns"] == {"item_id": "product_id"}
    assert proposed["split"] == {"policy": "temporal", "cuts": [0.8, 0.9], "unit": "session", "targets": "all"}
    assert proposed["evaluate"]["target_events"] == ["purchase"]
    assert report.split.queries == {part: len(task.queries(part)) for part in ("validate", "test")}


def test_orders_become_baskets_and_positions_the_end_of_each_user(report_on, tmp_path):
    rng = np.random.default_rng(0)
    orders = np.tile([0, 0, 1, 1, 2, 2, 3, 3], 300) + np.repeat(np.arange(300), 8) * 10
    table = {
        "user_id": np.repeat(np.arange(300), 8),
        "item_id": rng.integers(0, 200, 2400),
        "position": np.arange(2400),
        "receipt": orders,
    }
    proposed, _ = runs(report_on(table), tmp_path)
    assert proposed["data"]["columns"] == {"basket_id": "receipt"}
    assert proposed["split"] == {"policy": "leave-last-out", "unit": "basket"}


def test_rows_without_ids_and_copies_are_dropped_by_the_proposal(report_on, tmp_path):
    rng = np.random.default_rng(0)
    users = [None, *np.repeat(np.arange(300), 5).tolist()]
    times = 1_700_000_000_000 + np.concatenate([[0], np.tile(np.arange(5), 300)]) * 9_000_000_000
    table = pa.table({"user_id": users, "item_id": rng.integers(0, 100, 1501), "timestamp": times})
    proposed, _ = runs(report_on(pa.concat_tables([table, table.slice(7, 3)])), tmp_path)
    assert proposed["data"]["null_ids"] == "drop"
    assert proposed["data"]["duplicates"] == "drop-exact"


def returned(table):
    quantity = np.ones(table.num_rows, np.int64)
    quantity[::50] = -1
    return table.set_column(table.column_names.index("quantity"), "quantity", pa.array(quantity))


def repeated_soon(table):
    again = table.slice(0, table.num_rows // 20)
    later = pa.array(again["timestamp"].to_numpy() + 400)
    return pa.concat_tables([table, again.set_column(again.column_names.index("timestamp"), "timestamp", later)])


@pytest.mark.parametrize(("plant", "cleaner"), [(returned, "returns"), (repeated_soon, "duplicates")])
def test_installed_cleaners_that_treat_what_was_found_are_proposed(report_on, shop, tmp_path, plant, cleaner):
    report = report_on(plant(shop.interactions), shop.items)
    proposed, task = runs(report, tmp_path)
    assert proposed["data"]["clean"] == [cleaner]
    assert re.search(rf"^# {cleaner} for [\d,]+ events .*\nclean = ", report.proposal, re.MULTILINE)
    assert any(note.startswith("left out") and cleaner in note for note in task.notes), task.notes
    assert report.split.queries == {part: len(task.queries(part)) for part in task.parts.held_out}


def at_night(table, n=400):
    """Return the events with a bot that has no more of them than the most active customers, every two hours."""
    start = table["timestamp"].to_numpy().min()
    columns = {name: pa.concat_arrays([table[name].combine_chunks()[:1]] * n) for name in table.column_names}
    columns["user_id"] = pa.array(["bot"] * n).dictionary_encode()
    columns["item_id"] = table["item_id"].combine_chunks().dictionary_decode()[:n].dictionary_encode()
    columns["timestamp"] = pa.array(start + np.arange(n) * 7_200_000)
    bot = pa.table(columns).cast(table.schema)
    return pa.concat_tables([table, bot]).unify_dictionaries()


def test_a_bot_is_found_by_the_cleaner_and_the_proposal_is_made_for_what_remains(report_on, shop, tmp_path):
    stray = shop.interactions.slice(0, 30)
    stray = stray.set_column(stray.column_names.index("timestamp"), "timestamp", pa.array(np.zeros(30, np.int64)))
    report = report_on(pa.concat_tables([at_night(shop.interactions), stray]), shop.items)
    proposed, _ = runs(report, tmp_path)
    assert "very-active-users" not in {fault.name for fault in report.faults}
    assert proposed["data"]["clean"] == ["time-defects", "bots"]
    assert "# time-defects for 30 events (on 1970-01-01, time zero)\n# bots for 400 events (" in report.proposal
    assert "the log has times over 36" in report.proposal  # days, in place of those since 1970
    assert [cut[:8] for cut in proposed["split"]["cuts"]] == ["2024-11-", "2024-12-"]


def test_cleaners_that_remove_nothing_are_not_installed_or_need_times_are_not_proposed(shop):
    def proposed(installed, fault="very-active-users", time="timestamp"):
        table = at_night(shop.interactions)
        data = read_data(Tables(table, None), DataSettings(source="synthetic-shop", time=time))
        return list(propose_cleaners([Fault(fault, "", 2, 0.1, (), "", "")], installed, data).reasons)

    installed = [c for c in registry_with().components("cleaner") if c.name in ("bots", "duplicates", "test-accounts")]
    assert proposed(installed) == ["bots"]
    assert proposed(installed, "near-duplicates") == ["bots"]
    assert proposed(installed, time="file-order") == []
    assert proposed([]) == []


def test_items_with_one_title_are_made_one_by_the_proposal(report_on, shop, tmp_path):
    titles = shop.items["title"].to_pylist()
    titles[1:40:2] = [title.upper() for title in titles[:40:2]]
    items = shop.items.set_column(shop.items.column_names.index("title"), "title", pa.array(titles))
    report = report_on(shop.interactions, items)
    proposed, task = runs(report, tmp_path)
    assert proposed["data"]["clean"] == ["merge-items"]
    assert "# merge-items makes 20 items one with another that has their title: look at them" in report.proposal
    assert task.notes["items replaced: cleaner merge-items, the same title"] == 20


def test_the_cleaners_of_a_given_file_are_kept(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text(
        '[data]\nsource = { name = "synthetic-shop", customers = 300, items = 100, events = 9000 }\n'
        'clean = [{ name = "bots", per_hour = 50 }]\n[[model]]\npredictor = "popular"\n'
    )
    report = analyse(load_experiment(file).require_recommend(), "shop", guess=False)
    assert runs(report, tmp_path)[0]["data"]["clean"] == [{"name": "bots", "per_hour": 50}]


def test_too_few_events_have_no_proposal_and_say_why(report_on):
    report = report_on(
        {"user_id": ["a", "b"], "item_id": ["x", "y"], "timestamp": [1_700_000_000_000, 1_700_000_000_001]}
    )
    assert report.proposal == ""
    assert report.split is None
    (fault,) = [fault for fault in report.faults if fault.name == "no-split"]
    assert "leave-last-out" in fault.found


@pytest.mark.parametrize("name", SETS)
def test_real_data(name, data_dir, tmp_path):
    folder = data_dir / name
    items = folder / "items.parquet"
    experiment = load_data_experiment(
        folder / "interactions.parquet", items if items.exists() else None, registry=registry_with()
    )
    proposed, task = runs(analyse(experiment, name, guess=True), tmp_path)
    assert {key: proposed["split"].get(key) for key in SETS[name]} == SETS[name]
    assert len(task.queries("test")) >= 100


@pytest.mark.parametrize("value", [{"a b": 'x"\n', "c": [1, 0.5, True]}, "\x7f ü", {}])
def test_a_literal_reads_back(value):
    assert tomllib.loads(f"v = {format_literal(value)}")["v"] == value


def test_columns_that_are_not_there_are_named_by_the_reader(report_on):
    from zoo.errors import DataError

    with pytest.raises(DataError, match=r"no column 'item_id'"):
        report_on({"user_id": ["a"], "when": ["2024-01-01"]})


def test_parquet_of_the_tests_is_read(tmp_path, report_on, shop):
    """A file of events of its own, without items, has no findings about items."""
    report = report_on(shop.interactions)
    assert report.catalogue == ()
    assert report.prices.source == "events"
    assert pq.read_metadata(tmp_path / "events.parquet").num_rows == report.size.n_events


def test_a_published_split_is_left_as_it_is(report_on, shop, tmp_path):
    times = shop.interactions["timestamp"]
    cut = np.quantile(times.to_numpy(), 0.8)
    again = shop.interactions.slice(0, 50)
    again = again.set_column(
        again.column_names.index("timestamp"), "timestamp", pa.array(again["timestamp"].to_numpy() + 500)
    )
    copies = shop.interactions.slice(100, 20)
    events = pa.concat_tables([shop.interactions, again.cast(shop.interactions.schema), copies])
    part = np.where(events["timestamp"].to_numpy() < cut, "train", "test")
    report = report_on(events.append_column("split", pa.array(part)))
    proposed, _ = runs(report, tmp_path)
    assert proposed["split"]["policy"] == "given"
    assert not {"clean", "duplicates"} & {*proposed["data"]}
    (near,) = (fault for fault in report.faults if fault.name == "near-duplicates")
    assert near.remedy.startswith('[data] clean = "duplicates"; ')


def test_strays_do_not_make_a_trend(report_on):
    rng = np.random.default_rng(0)
    times = 1_700_000_000_000 + rng.integers(0, 90 * 86_400_000, 6_000)
    events = {"user_id": rng.integers(0, 400, 6_000), "item_id": rng.integers(0, 90, 6_000), "timestamp": times}
    clean = report_on(pa.table(events)).rhythm.trend
    times[:40] = 3_600_000
    times[40:60] += 3650 * 86_400_000
    assert 0.8 < report_on(pa.table({**events, "timestamp": times})).rhythm.trend / clean < 1.25


def test_few_users_are_held_out_in_a_larger_share_and_seeds_are_three(report_on, tmp_path):
    rng = np.random.default_rng(0)
    table = {"user_id": np.repeat(np.arange(900), 8), "item_id": rng.integers(0, 200, 7_200)}
    proposed, task = runs(report_on(table), tmp_path)
    assert proposed["split"] == {"policy": "strong-generalisation", "test_users": 0.3}
    assert len(task.queries("test")) >= 200
    assert proposed["train"] == {"seeds": [0, 1, 2]}
