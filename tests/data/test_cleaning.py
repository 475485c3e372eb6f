"""`[data] clean`: what the core does with the answers of cleaners, and with answers that are wrong."""

import json

import numpy as np
import pyarrow as pa
import pytest

from zoo.config.experiment import DataSettings
from zoo.config.load import load_experiment
from zoo.config.lookup import Lookup
from zoo.data.catalogue import Catalogue
from zoo.data.cleaner import UncleanLog
from zoo.data.dataset import Tables
from zoo.data.interactions import Interactions
from zoo.data.log import read_data, read_events
from zoo.data.task import load_task
from zoo.errors import ConfigError, DataError
from zoo.registry.registry import Registry

PLUGIN = '''
import numpy as np
import pyarrow as pa
from zoo.api import Cleaned, Cleaner, ComponentSpec, Field, Flag, Params, hookimpl


class AnyParams(Params):
    do: str = "nothing"
    """What to answer."""


class Any(Cleaner[AnyParams]):
    def clean(self, data):
        n, do, all_items = len(data.log), self.params.do, np.arange(len(data.catalogue))
        odd = data.log.items % 2 == 1
        answers = {
            "nothing": lambda: Cleaned(),
            "odd": lambda: Cleaned((Flag(odd, "an odd item"), Flag(odd, "once more")), remarks={"seen": n}),
            "rest": lambda: Cleaned((Flag(np.ones(n, bool), "the rest"),)),
            "late": lambda: Cleaned((Flag(~data.before & odd, "from the cut on"),)),
            "merge": lambda: Cleaned(items=np.minimum(all_items, 2), items_reason="alike"),
            "column": lambda: Cleaned(columns={"session_id": np.arange(n) // 2}),
            "fail": lambda: 1 / 0,
            "list": lambda: [],
            "short": lambda: Cleaned((Flag(odd[:2], "short"),)),
            "numbers": lambda: Cleaned((Flag(np.arange(n), "numbers"),)),
            "no reason": lambda: Cleaned((Flag(odd, " "),)),
            "few items": lambda: Cleaned(items=all_items[:2]),
            "no item": lambda: Cleaned(items=all_items + 1),
            "chain": lambda: Cleaned(items=np.maximum(all_items - 1, np.minimum(all_items, 1))),
            "short column": lambda: Cleaned(columns={"x": np.arange(2)}),
            "old column": lambda: Cleaned(columns={"price": np.arange(n)}),
        }
        return answers[do]()


@hookimpl
def zoo_components():
    return [ComponentSpec("any", "cleaner", "cleaner_of_a_test:Any", AnyParams, "Answers.", api=2)]
'''
EVENTS = pa.table(
    {
        "user_id": ["a", "a", "a", "b", "b", "c"],
        "item_id": ["p1", "p2", "p3", "p1", "p4", "p2"],
        "timestamp": [1, 2, 3, 4, 5, 6],
        "price": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    }
)
ITEMS = pa.table({"item_id": ["p4", "p3", "p1", "p2", "p9"], "title": ["four", "three", "one", "two", "nine"]})


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Return a registry with a cleaner that answers what its parameter says."""
    file = tmp_path_factory.mktemp("plugin") / "cleaner_of_a_test.py"
    file.write_text(PLUGIN)
    return Registry.discover([file])


@pytest.fixture
def cleaned(registry, tmp_path):
    """Return a function that reads the events with cleaners, by the answers that they give."""

    def read(*answers, read=read_data, items=ITEMS, **settings):
        choices = [{"name": "any", "do": answer} for answer in answers]
        found = DataSettings.model_validate({"source": "files", "clean": choices, **settings})
        lookup = Lookup(registry, tmp_path)
        return read(Tables(EVENTS, items), found, cleaners=lookup.many("cleaner", found.clean, "data.clean"))

    return read


def ids_of(data):
    """Return user, item and time of each event."""
    users = data.user_ids.take(pa.array(data.log.users)).to_pylist()
    return list(
        zip(users, data.catalogue.ids.take(pa.array(data.log.items)).to_pylist(), data.log.times.tolist(), strict=True)
    )


def test_flagged_events_are_removed_and_counted_once(cleaned):
    data = cleaned("odd")
    assert ids_of(data) == [("a", "p2", 2), ("b", "p4", 5), ("c", "p2", 6)]
    assert {name: n for name, n in data.notes.items() if "cleaner" in name} == {
        "left out: cleaner any, an odd item": 3,
        "cleaner any: seen": 6,
    }


def test_what_was_removed_is_known_by_row(cleaned):
    read = cleaned("odd", "nothing", read=read_events)
    assert [(r.rows.tolist(), r.cleaner, r.reason) for r in read.clean.removals] == [([0, 2, 3], "any", "an odd item")]


def test_a_replaced_item_is_gone_also_from_the_catalogue(cleaned):
    data = cleaned("merge")
    assert {item for _, item, _ in ids_of(data)} == {"p1", "p2"}
    assert set(data.catalogue.ids.to_pylist()) == {None, "p1", "p2", "p9"}
    assert data.catalogue.column("title").to_pylist()[0] is None
    assert data.notes["items replaced: cleaner any, alike"] == 2
    assert set(cleaned("merge", items=None).catalogue.ids.to_pylist()) == {None, "p1", "p2"}


def test_a_new_column_belongs_to_its_events(cleaned):
    data = cleaned("odd", "column")
    assert data.log.column("session_id").to_pylist() == [0, 0, 1]
    assert data.log.column("price").to_pylist() == [2.0, 5.0, 6.0]


def test_no_event_left_names_the_cleaner(cleaned):
    with pytest.raises(
        DataError, match=r"no event is left \(rows: 6; left out: cleaner any, the rest: 6\)\. Relax .*data\.clean"
    ):
        cleaned("rest")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("fail", r"`clean` failed: ZeroDivisionError.* leave it out of data\.clean"),
        ("list", r"`clean` returned list, expected zoo\.api\.Cleaned"),
        ("short", r"the flag 'short' has bool \[2\], expected a boolean for each of 6 events"),
        ("numbers", r"the flag 'numbers' has int64 \[6\], expected a boolean"),
        ("no reason", "a flag has no reason, expected a few words"),
        ("few items", r"`items` is int64 \[2\], expected an item number for each of 5 numbers"),
        ("no item", "`items` has numbers outside 1 to 4, or entry 0 is not 0"),
        ("chain", "`items` replaces item 3 by an item that is replaced itself"),
        ("short column", "the column 'x' has 2 values, expected 6, one per event"),
        ("old column", r"has a column 'price' already\. Leave the cleaner out, or give the column another name"),
    ],
)
def test_a_wrong_answer_names_the_cleaner(cleaned, answer, message):
    with pytest.raises(DataError, match=rf"cleaner 'any' .*{message}"):
        cleaned(answer)


def experiment_file(folder, **data):
    """Write an experiment on the built-in shop, as JSON in TOML's clothes."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in data.items()]
    source = 'source = { name = "synthetic-shop", customers = 60, items = 80, events = 1500 }'
    file = folder / "shop.toml"
    file.write_text("\n".join(["[data]", source, *lines, "[[model]]", 'predictor = "popular"']))
    return file


@pytest.mark.parametrize(
    ("split", "removed"),
    [(["split.cuts=[0.5,0.7]"], True), (["split.policy=leave-last-out"], False)],
)
def test_the_cut_is_the_last_one_of_a_temporal_split(registry, tmp_path, split, removed):
    file = experiment_file(tmp_path, clean=["any"])
    plain = load_task(load_experiment(file, split, registry).require_recommend())
    experiment = load_experiment(file, [*split, 'data.clean={name="any",do="late"}'], registry).require_recommend()
    task = load_task(experiment)
    times = np.sort(plain.log.times)
    late = np.count_nonzero(times >= times[int(0.7 * len(times))])
    count = task.notes.get("left out: cleaner any, from the cut on", 0)
    assert 0.2 * late < count < 0.8 * late if removed else count == 0
    assert task.parts.starts == plain.parts.starts  # what is removed late moves no cut
    assert len(plain.log) - len(task.log) == count
    assert experiment.as_json()["data"]["clean"] == [{"name": "cleaner_of_a_test/any", "do": "late"}]


@pytest.mark.parametrize(
    ("unit", "before"), [("event", [0, 1, 2, 3, 4]), ("session", [0, 1, 3, 4]), ("basket", [0, 1, 3, 4])]
)
def test_a_unit_that_ends_after_the_cut_is_not_learned_from(unit, before):
    ids = pa.array(["s1", "s1", "s2", "s3", "s3", "s2"])
    table = pa.table({"session_id": ids, "basket_id": ids})
    users = np.array([0, 0, 0, 1, 1, 0])
    log = Interactions.from_arrays(users, np.arange(1, 7), np.arange(6), clock="timestamp", source=table)
    unclean = UncleanLog(log, Catalogue.bare(6), pa.array(["a", "b"]), cut=5, unit=unit)
    assert log.rows[unclean.before].tolist() == before


def test_an_unknown_cleaner_is_named_with_its_place(registry, tmp_path):
    file = experiment_file(tmp_path, clean=["any", "anny"])
    with pytest.raises(ConfigError, match=r"data\.clean\[2\]: no cleaner named 'anny'\. Did you mean 'any'\?"):
        load_experiment(file, [], registry)


def test_data_end_before_the_cleaners_look(cleaned):
    data = cleaned("odd", until="1970-01-01T00:00:00.004Z")
    assert data.notes["cleaner any: seen"] == 3
