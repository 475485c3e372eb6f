"""Check 6: rows that are sorted by item."""

import numpy as np
import pytest

LAST_OUT = {"policy": "leave-last-out"}


def rows(ids, users=40, length=6, seed=0):
    """Return rows of users, each with items in the order of the ids."""
    rng = np.random.default_rng(seed)
    chosen = [np.sort(rng.permutation(len(ids))[:length]) for _ in range(users)]
    return {"user_id": np.repeat(np.arange(users), length), "item_id": [ids[i] for i in np.concatenate(chosen)]}


NUMBERS, TEXTS = list(range(60)), sorted(f"sku-{i}" for i in range(60))


@pytest.mark.parametrize("ids", [NUMBERS, TEXTS], ids=["numbers", "texts"])
def test_rows_in_the_order_of_the_items_are_found(found, ids):
    events = rows(ids)
    finding = found(events, data={"time": "file-order"}, split=LAST_OUT)["order"]
    assert finding.number == 6
    assert "the items of 40 of 40 (100.0 %) users with 5 or more events ascend by id" in finding.found
    events["position"] = np.tile(np.arange(6), 40)
    assert "order" in found(events, split=LAST_OUT)
    assert found(events, data={"time": "file-order"}, split={"policy": "strong-generalisation"}) == {}


def test_rows_in_another_order_are_silent(found):
    events = rows(NUMBERS)
    shuffled = np.random.default_rng(0).permutation(240)
    events = {name: np.asarray(values)[shuffled] for name, values in events.items()}
    assert found(events, data={"time": "file-order"}, split=LAST_OUT) == {}


def test_times_order_the_rows(found):
    events = rows(NUMBERS)
    assert found({**events, "timestamp": np.arange(240) + 10**12}, split=LAST_OUT) == {}


def test_a_column_with_parts_needs_an_order_only_for_single_targets(found):
    events = rows(NUMBERS)
    events["split"] = ["train"] * 4 * 40 + ["test"] * 2 * 40
    events["split"] = np.tile(["train"] * 4 + ["test"] * 2, 40)
    sections = {"data": {"time": "file-order"}}
    assert found(events, **sections, split={"policy": "given"}) == {}
    assert "order" in found(events, **sections, split={"policy": "given", "targets": "each"})


def test_ids_of_digits_that_are_no_decimals_are_texts(found):
    events = {"user_id": [u for u in range(30) for _ in range(6)], "item_id": ["²9", "①", "3", "4", "5", "6"] * 30}
    found({**events, "position": list(range(6)) * 30}, split={"policy": "leave-last-out"})
