"""The table of checks; the checks of sizes; accepted findings; the page of the checks."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.config.check_names import CHECK_NAMES
from zoo.config.load import experiment_from, resolve_experiment
from zoo.data.checks import all_checks
from zoo.data.checks.all_checks import CHECKS, check_experiment, check_task
from zoo.data.checks.finding import Check
from zoo.data.task import load_task

DOCS = Path(__file__).parents[3] / "docs"
DAY = 86_400_000


def test_the_numbers_and_names_are_in_order():
    assert [check.number for check in CHECKS] == list(range(1, len(CHECKS) + 1))
    assert tuple(check.name for check in CHECKS) == CHECK_NAMES


def test_each_check_has_a_heading_and_its_effect_on_the_page():
    text = (DOCS / "reference" / "checks.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d+) `([a-z-]+)`$", text, re.MULTILINE) == [(str(c.number), c.name) for c in CHECKS]
    sections = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    for check, section in zip(CHECKS, sections, strict=True):
        plain = " ".join(section.split())
        assert check.effect in plain
        assert check.looks_for in plain


def numbers(task, **options):
    return {finding.number: finding for finding in check_task(task, **options)}


def shop(users, seed=0, length=20, items=80, start=0):
    rng = np.random.default_rng(seed)
    return {
        "user_id": np.repeat(np.arange(users) + start, length),
        "item_id": rng.integers(0, items, users * length),
        "timestamp": (19_000 + rng.integers(0, 100, users * length)) * DAY + rng.integers(0, DAY, users * length),
    }


@pytest.mark.parametrize(("users", "found"), [(199, True), (200, False)])
def test_few_queries_are_counted(task_on, users, found):
    task = task_on(shop(users), split={"policy": "leave-last-out"}, evaluate={"exclude_seen": False})
    assert (7 in numbers(task)) is found
    if found:
        assert numbers(task)[7].found == "The test part has 199 queries, fewer than 200."


@pytest.mark.parametrize(
    ("cuts", "remedy"),
    [
        ([0.8, 0.9], "[split] cuts = [0.6, 0.8], or earlier ones, or more data"),
        (["2022-04-01"], "[split] cuts = [0.6, 0.8], or earlier ones, or more data"),
        (
            [0.6, 0.8],
            '[split] policy = "leave-last-out", which has one query for each user with enough events; or more data',
        ),
    ],
)
def test_early_cuts_with_few_queries_lead_to_leave_last_out(task_on, cuts, remedy):
    task = task_on(shop(100), split={"policy": "temporal", "cuts": cuts}, evaluate={"exclude_seen": False})
    assert numbers(task)[7].remedy == remedy


@pytest.mark.parametrize(("predictor", "split", "found"), [
    ("gru4rec", {"policy": "leave-last-out"}, True),
    ("popular", {"policy": "leave-last-out"}, False),
    ("gru4rec", {"policy": "leave-last-out", "validation": False}, False),
])  # fmt: skip
def test_few_validation_queries_matter_for_models_that_stop_early(task_on, predictor, split, found):
    sections = {"split": split, "evaluate": {"exclude_seen": False}}
    task = task_on(shop(100), **sections)
    raw = {"data": {"source": "synthetic-shop"}, "model": [{"label": "net", "predictor": predictor}], **sections}
    findings = numbers(task, models=experiment_from(raw).models)
    assert (8 in findings) is found
    if found:
        assert findings[8].found == (
            "The validation part has 100 queries, fewer than 200, and these models choose their number of epochs with it: net."
        )


def test_targets_that_are_seen_are_counted(task_on):
    events = shop(300, items=12)
    task = task_on(events, split={"policy": "leave-last-out", "validation": False})
    order = np.lexsort((events["item_id"], events["timestamp"], events["user_id"]))
    items = events["item_id"][order].reshape(300, 20)
    seen = sum(row[-1] in row[:-1] for row in items.tolist())
    finding = numbers(task)[9]
    assert finding.found.startswith(f"{seen} of 300 ({seen / 3:.1f} %) test events are no targets")
    mended = task_on(events, split={"policy": "leave-last-out"}, evaluate={"exclude_seen": False})
    assert 9 not in numbers(mended)


def test_queries_without_a_history_are_counted(task_on):
    early, late = shop(250), shop(250, seed=1, start=1000)
    late["timestamp"] = late["timestamp"] + 200 * DAY
    events = {name: np.concatenate([early[name], late[name]]) for name in early}
    events["timestamp"][:100:2] += 300 * DAY  # five users come back
    task = task_on(events, split={"policy": "temporal", "cuts": ["2022-05-01"]}, evaluate={"exclude_seen": False})
    finding = numbers(task)[10]
    assert finding.found.startswith("250 of 255 (98.0 %) test queries have no history")
    assert 10 not in numbers(
        task_on(
            events,
            split={"policy": "temporal", "cuts": ["2022-05-01"]},
            evaluate={"exclude_seen": False, "new_users": False},
        )
    )


def test_an_accepted_finding_is_marked(task_on):
    task = task_on(shop(50), split={"policy": "leave-last-out"}, evaluate={"exclude_seen": False})
    open_, accepted = numbers(task), numbers(task, accept=["few-queries"])
    assert (open_[7].accepted, accepted[7].accepted) == (False, True)
    assert open_[7].found == accepted[7].found


def test_a_log_without_a_file_is_checked():
    from zoo import Interactions, LeaveLastOut, Task

    rng = np.random.default_rng(0)
    log = Interactions.from_arrays(rng.integers(0, 30, 500), rng.integers(1, 20, 500), rng.integers(0, 1000, 500))
    assert [f.name for f in check_task(Task.of(log, LeaveLastOut()))] == ["few-queries", "seen-targets"]


def test_a_column_that_cannot_be_read_is_left_out(tmp_path):
    users, items, times = list(range(30)) * 4, [f"i{n % 7}" for n in range(120)], list(range(0, 120_000, 1000))
    for at, channel in enumerate(([f"c{n % 3}" for n in range(60)], list(range(60)))):
        rows = slice(60 * at, 60 * at + 60)
        table = {"user_id": users[rows], "item_id": items[rows], "timestamp": times[rows], "channel": channel}
        pq.write_table(pa.table(table), tmp_path / f"{at}.parquet")
    experiment = resolve_experiment({
        "data": {"source": {"name": "files", "interactions": str(tmp_path / "*.parquet")}}, "model": [{"predictor": "popular"}],
    })  # fmt: skip
    assert isinstance(check_experiment(experiment, load_task(experiment)), list)


def test_a_check_that_fails_is_reported_and_the_others_run(task_on, monkeypatch):
    def fail(checked):
        raise ValueError("no luck")

    task = task_on({"user_id": [1, 1, 2, 2], "item_id": [1, 2, 1, 2], "timestamp": [1, 2, 3, 4]}, split={"cuts": [0.5]})
    broken = Check(99, "broken", "what", "effect", fail)
    monkeypatch.setattr(all_checks, "CHECKS", (broken, *all_checks.CHECKS))
    with pytest.warns(UserWarning, match=r"Check 99 \(broken\) could not run: ValueError: no luck"):
        assert [finding.name for finding in check_task(task)]
