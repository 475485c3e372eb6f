"""The protocol sentence: what a reader must know about units and ties."""

import pytest

from zoo.config.protocol import ProtocolFacts, format_recommend_protocol
from zoo.config.split_settings import Given, LeaveLastOut, StrongGeneralisation, Temporal, identify_split

EVALUATE = {"exclude_seen": True, "target_events": None}


def sentence(split, data=None):
    experiment = {"split": split, "data": data or {}, "evaluate": EVALUATE, "train": {"refit": True}}
    return format_recommend_protocol(ProtocolFacts(experiment, {}, {}, 0))


@pytest.mark.parametrize(("split", "beginning"), [
    ({"policy": "temporal"}, "split `temporal`; targets"),
    ({"policy": "temporal", "unit": "event"}, "split `temporal`; targets"),
    (LeaveLastOut(unit="basket").model_dump(), "split `leave-last-out` by whole baskets (leaks across time); targets"),
    (Temporal(unit="session").model_dump(), "split `temporal` by whole sessions, a query after each event of a session; targets"),
    (Temporal(unit="session", targets="all").model_dump(), "split `temporal` by whole sessions; targets"),
])  # fmt: skip
def test_it_names_the_unit(split, beginning):
    assert sentence(split).startswith(beginning)


def test_it_says_that_the_order_of_rows_is_trusted():
    assert "events of one moment in the order of the file; " in sentence({"policy": "leave-last-out"}, {"ties": "file"})
    assert "order of the file" not in sentence({"policy": "leave-last-out"}, {"ties": "together"})


def test_keys_that_change_nothing_do_not_change_the_identity_of_a_split():
    """Results from before these keys existed keep the hash of their task."""
    assert set(identify_split(Temporal())) == {"policy", "cuts", "targets", "cold_items", "seed"}
    assert set(identify_split(LeaveLastOut())) == {"policy", "validation", "cold_items", "seed"}
    assert set(identify_split(Given())) == {
        "policy", "column", "train", "validate", "test", "targets", "cold_items", "seed",
    }  # fmt: skip
    assert "unit" not in identify_split(StrongGeneralisation())
    changed = identify_split(LeaveLastOut(unit="session", rank=True))
    assert (changed["unit"], changed["rank"], changed["targets"]) == ("session", True, "each")
    assert identify_split(Given(validate_share=0.1))["validate_share"] == 0.1
    assert identify_split(Given(rank=["r"]))["rank"] == ["r"]
