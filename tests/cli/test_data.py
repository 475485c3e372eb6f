"""`zoo data check`, and the warnings of `zoo bench` and `zoo fit`."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.data.interactions import Interactions
from zoo.data.log_summary import summarise_log


@pytest.fixture
def events(tmp_path):
    """Return a file of events whose rows share an order."""
    rng = np.random.default_rng(0)
    orders = np.tile([0, 0, 1, 1, 2, 2], 250) + np.repeat(np.arange(250), 6) * 10
    items = rng.integers(0, 300, 1500)
    table = {"user_id": np.repeat(np.arange(250), 6), "item_id": items, "position": np.arange(1500), "order_id": orders}
    pq.write_table(pa.table(table), tmp_path / "events.parquet")
    last = np.bincount(items[5::6], minlength=300)
    pq.write_table(pa.table({"item_id": np.arange(300), "price": last}), tmp_path / "items.parquet")
    return tmp_path / "events.parquet"


@pytest.fixture
def experiment(events):
    """Return an experiment file."""
    file = events.parent / "shop.toml"
    file.write_text(
        '[data]\nsource = { name = "files", interactions = "events.parquet" }\n[split]\npolicy = "leave-last-out"\n'
        '[evaluate]\nexclude_seen = false\nbootstrap = 100\nmetrics = ["ndcg@5"]\n[[model]]\npredictor = "popular"\n'
    )
    return file


LAST_OUT = ("--set", "split.policy=leave-last-out", "--set", "evaluate.exclude_seen=false")
READ = [
    "rows       1,500",
    "events     1,500 events, 250 users, 295 items; 6 events per user (median)",
    "time       none: the events are ordered by position",
    "left out   nothing",
]
WARNING = "Check 2 (baskets): The column 'order_id' groups the events of a user to baskets"


def test_an_experiment_with_a_finding_ends_with_exit_code_1(zoo, experiment):
    lines = zoo("data", "check", experiment, code=1).stdout.splitlines()[len(READ) :]
    assert lines[0].startswith(WARNING)
    assert lines[1].startswith("  What it can do: What else is in the basket gives the target away.")
    assert lines[2] == (
        '  What to do: [data] columns = { basket_id = "order_id" }; [split] unit = "basket"; or accept it: '
        '[data] accept = ["baskets"]'
    )
    assert lines[3] == "11 checks: 1 warning."


def test_a_mended_or_accepted_question_ends_with_exit_code_0(zoo, experiment):
    mend = ("--set", 'data.columns={basket_id="order_id"}', "--set", "split.unit=basket")
    assert zoo("data", "check", experiment, *mend).stdout.splitlines() == [*READ, "11 checks: 0 warnings."]
    accepted = zoo("data", "check", experiment, "--set", 'data.accept=["baskets"]').stdout
    assert accepted.splitlines()[len(READ)].startswith(
        "Check 2 (baskets), accepted by data.accept: The column 'order_id'"
    )
    assert accepted.endswith("11 checks: 0 warnings.\n")


def test_a_file_of_events_is_read_with_defaults(zoo, events):
    assert zoo("data", "check", events, *LAST_OUT, code=1).stdout.splitlines()[len(READ)].startswith(WARNING)
    stderr = zoo("data", "check", events, code=2).stderr  # the default split cuts in time
    assert "split.policy 'temporal' needs timestamps" in stderr


def test_what_was_read_and_left_out_is_printed_first(zoo, tmp_path):
    day, rows = 86_400, [(f"u{n % 300}", f"i{n % 7}", n) for n in range(900)]
    rows += [("u0", "i0", 0), ("", "i0", 1), ("u1", "", 2), ("u1", "i1", 3)]
    lines = [f"{user},{item},{1_700_000_000 + day * at}" for user, item, at in rows]
    file = tmp_path / "events.csv"
    file.write_text("\n".join(["user_id,item_id,timestamp", *lines, ""]))
    options = ("--set", "data.null_ids=drop", "--set", "evaluate.exclude_seen=false", *LAST_OUT)
    read = zoo("data", "check", file, *options).stdout.splitlines()
    assert read == [
        "rows       904",
        "events     902 events, 300 users, 7 items; 3 events per user (median)",
        "time       2023-11-14T22:13:20Z to 2026-05-01T22:13:20Z (read as seconds)",
        f"left out   rows of {file} without user_id: 1, rows of {file} without item_id: 1",
        'copies     exact copies of another event, which are kept: 1; [data] duplicates = "drop-exact" drops them',
        "11 checks: 0 warnings.",
    ]
    read = zoo("data", "check", file, *options, "--set", "data.duplicates=drop-exact").stdout.splitlines()
    assert read[3].endswith("without item_id: 1, duplicates: 1")
    assert read[4] == "11 checks: 0 warnings."


def test_items_can_be_given(zoo, events):
    found = zoo("data", "check", events, "--items", events.parent / "items.parquet", *LAST_OUT, "--json", code=1).stdout
    assert [(finding["number"], finding["accepted"]) for finding in json.loads(found)] == [(2, False), (5, False)]


def test_items_of_an_experiment_are_in_the_file(zoo, experiment):
    stderr = zoo("data", "check", experiment, "--items", "items.parquet", code=2).stderr
    assert "--items is for a file of events" in stderr
    assert "set items in its [data] source" in stderr
    stderr = zoo("data", "check", experiment, "--users", "users.parquet", code=2).stderr
    assert "--users is for a file of events" in stderr
    assert "set users in its [data] source" in stderr


def test_an_unknown_check_is_refused_with_a_suggestion(zoo, experiment):
    stderr = zoo("data", "check", experiment, "--set", 'data.accept=["basket"]', code=2).stderr
    assert "data.accept[1]: expected 'ties', 'baskets', " in stderr
    assert "found 'basket'. Did you mean 'baskets'?" in stderr


def test_judged_lists_have_no_such_checks(zoo, tmp_path):
    file = tmp_path / "rank.toml"
    file.write_text(
        'task = "rank"\n[data]\nsource = { name = "files", interactions = "lists.parquet" }\n[[model]]\nrankers = ["borda"]\n'
    )
    assert "expected an experiment that recommends" in zoo("data", "check", file, code=2).stderr


def test_bench_and_fit_warn_before_the_first_fit(zoo, experiment, tmp_path):
    done = zoo("bench", experiment, "--out", tmp_path / "out")
    lines = done.stderr.splitlines()
    warning = next(i for i, line in enumerate(lines) if line.startswith(WARNING))
    assert warning < next(i for i, line in enumerate(lines) if line.endswith("popular: fit ..."))
    assert "The ranking may be misleading, see the top of report.md: check 2 (baskets)." in done.stdout
    accepted = zoo("bench", experiment, "--out", tmp_path / "out", "--set", 'data.accept=["baskets"]')
    assert WARNING not in accepted.stderr
    assert "Accepted by data.accept: check 2 (baskets)." in accepted.stdout
    assert WARNING in zoo("fit", experiment, "--out", tmp_path / "artifact").stderr


def test_a_log_without_a_clock_is_in_the_order_of_its_rows():
    log = Interactions.from_arrays(np.array([0, 0]), np.array([1, 1]))
    assert dict(summarise_log(log, {}))["time"] == "none: the events are in the order of their rows"
