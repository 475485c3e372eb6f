"""Item numbers: dealt by the id alone."""

from collections import Counter
from hashlib import blake2b

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.config.experiment import DataSettings
from zoo.data.dataset import Tables
from zoo.data.log import read_data
from zoo.data.vocabulary import Vocabulary


def vocabulary(ids, salt=""):
    return Vocabulary.of(pa.array(ids, pa.string()), salt)


@given(st.sets(st.text(min_size=1, max_size=5), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_ids_given_does_not_matter(ids, random):
    ids = list(ids)
    shuffled = random.sample(ids, len(ids))
    assert vocabulary(ids).ids.to_pylist() == vocabulary(shuffled).ids.to_pylist()


def test_numbers_are_in_the_order_of_the_hash():
    ids = [f"item {i}" for i in range(50)]
    expected = sorted(ids, key=lambda i: blake2b(i.encode(), digest_size=8).digest())
    found = vocabulary(ids)
    assert found.ids.to_pylist() == [None, *expected]
    assert found.numbers(pa.array(expected)).tolist() == list(range(1, 51))


def test_an_id_that_is_not_there_has_the_number_of_the_padding():
    assert vocabulary(["a", "b"]).numbers(pa.array(["c", "a", None])).tolist()[0::2] == [0, 0]


@given(st.sets(st.integers(0, 99), min_size=2, max_size=40), st.text(max_size=80))
def test_an_item_more_does_not_change_the_order_of_the_others(ids, salt):
    ids = [str(i) for i in ids]
    more = vocabulary([*ids, "new"], salt).ids.to_pylist()
    more.remove("new")
    assert vocabulary(ids, salt).ids.to_pylist() == more


def test_the_salt_deals_the_numbers_anew_and_evenly():
    first = Counter(vocabulary(list("abcd"), salt=str(s)).ids[1].as_py() for s in range(800))
    assert set(first) == set("abcd")
    assert all(150 < n < 250 for n in first.values())  # 200 expected, four standard deviations are 49


@pytest.mark.parametrize("added", [("u2", "i3", 50), ("u9", "i1", 5), ("u1", "i1", 1)])
def test_an_added_event_renumbers_nothing(added):
    rows = [("u1", "i1", 1), ("u1", "i2", 2), ("u2", "i3", 3), ("u3", "i4", 4)]

    def ids_of(rows):
        columns = dict(zip(("user_id", "item_id", "position"), map(list, zip(*rows, strict=True)), strict=True))
        return read_data(Tables(pa.table(columns)), DataSettings(source="files")).catalogue.ids.to_pylist()

    assert ids_of([*rows, added]) == ids_of(rows) == ids_of([added, *rows])


def test_the_fingerprint_is_that_of_the_ids_in_their_order():
    ids = ["a", "b", "c"]
    assert vocabulary(ids).fingerprint == vocabulary(ids[::-1]).fingerprint
    others = [vocabulary(ids, "salted"), vocabulary(["ab", "c"]), vocabulary(["a", "bc"]), vocabulary([*ids, "d"])]
    prints = [v.fingerprint for v in others if v.ids.to_pylist() != vocabulary(ids).ids.to_pylist()]
    assert vocabulary(ids).fingerprint not in prints
    assert len(set(prints)) == len(prints) >= 3
