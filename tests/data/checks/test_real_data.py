"""The checks on the real data sets: they warn where they should, and nowhere else."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

LAST_OUT, EVERY = {"policy": "leave-last-out"}, 200_000
SESSIONS = {"data": {"columns": {"user_id": "session_id"}}, "evaluate": {"exclude_seen": False, "new_users": False}}
WHOLE_SESSIONS = {"evaluate": {"exclude_seen": False}}
PURCHASES = {"data": {"events": ["purchase"]}, "evaluate": {"eligible": {"is_product": True}, "exclude_seen": False}}
FILE = {"data": {"ties": "file"}, "evaluate": {"exclude_seen": False}}
NO_ORDER = {"data": {"time": "file-order"}}
REPEATED = {"evaluate": {"exclude_seen": False}}

CASES = [
    ("amazon-beauty", {"split": LAST_OUT}, set()),
    ("amazon-sports", {"split": LAST_OUT}, set()),
    ("amazon-toys", {"split": LAST_OUT}, set()),
    ("amazon-musical-instruments", {}, set()),
    ("amazon-gift-cards", {}, set()),
    ("amazon-gift-cards", {"split": LAST_OUT}, set()),
    ("ml-1m", {"split": LAST_OUT, "data": {"null_ids": "drop"}}, set()),
    ("ml-100k", {}, set()),
    ("ml-100k", {"split": LAST_OUT}, set()),
    ("ml-100k", {"split": LAST_OUT, **FILE}, {"ties"}),
    ("online-retail", PURCHASES, {"future"}),  # first_seen is the date of the first sale, also in the test part
    ("online-retail", {**PURCHASES, "split": LAST_OUT}, set()),
    ("online-retail", {**FILE, "split": LAST_OUT}, {"ties", "baskets"}),
    ("complete-journey", REPEATED, set()),
    ("complete-journey", {**REPEATED, "split": LAST_OUT}, set()),
    ("complete-journey", {**FILE, "split": LAST_OUT}, {"ties", "baskets"}),
    ("diginetica-sessions", {**SESSIONS, "split": {"policy": "given", "targets": "each"}}, set()),
    ("diginetica-sessions", {**WHOLE_SESSIONS, "split": {"policy": "given", "unit": "session"}}, set()),
    ("diginetica-sessions", {**SESSIONS, "split": LAST_OUT}, {"sessions"}),
    ("yoochoose-100k", {**SESSIONS, "split": {"policy": "given", "targets": "each"}}, set()),
    ("yoochoose-100k", {**WHOLE_SESSIONS, "split": {"policy": "temporal", "unit": "session"}}, set()),
    ("yoochoose-100k", {**SESSIONS, "split": LAST_OUT}, {"sessions"}),
    ("gowalla", {**NO_ORDER, "split": {"policy": "given"}}, set()),
    ("yelp2018", {**NO_ORDER, "split": {"policy": "given"}}, set()),
    ("retailrocket-small", {**NO_ORDER, "split": {"policy": "strong-generalisation"}}, set()),
    ("retailrocket-small", {**NO_ORDER, "split": LAST_OUT}, {"order"}),
]  # fmt: skip


def sample(folder):
    """Return the events of some users, at most `EVERY` or so, without long texts, and the items."""
    events = pq.read_table(folder / "interactions.parquet")
    events = events.drop_columns([name for name in ("review_text", "description") if name in events.column_names])
    user = "user_id" if "user_id" in events.column_names else "session_id"
    share = -(-len(events) // EVERY)
    if share > 1:
        number = pc.index_in(events[user], pc.unique(events[user]))
        events = events.filter(pc.equal(pc.subtract(number, pc.multiply(pc.divide(number, share), share)), 0))
    items = folder / "items.parquet"
    return events, pq.read_table(items) if items.exists() else None


@pytest.mark.parametrize(
    ("name", "sections", "names"), CASES, ids=[f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]
)
def test_the_checks_warn_on_a_real_data_set_only_where_they_should(data_dir, found, name, sections, names):
    events, items = sample(data_dir / name)
    assert isinstance(events, pa.Table)
    users = data_dir / name / "users.parquet"
    table = pq.read_table(users) if users.exists() else None
    assert set(found(events, items, users=table, **sections)) == names


def test_the_users_of_ml_100k_whose_last_moment_holds_several_ratings_are_counted(data_dir, found):
    events, _ = sample(data_dir / "ml-100k")
    finding = found(events, split={**LAST_OUT, "validation": False}, data={"ties": "file"})["ties"]
    assert "415 of 943 (44.0 %) users" in finding.found
