"""Search spaces as data: values, conditions, order, JSON, words; and those of the zoo's components."""

import json
from random import Random

import pytest

from zoo.api import Field, Params, choice, float_range, int_range, log_range
from zoo.config.train import NetworkSettings
from zoo.registry.registry import Registry
from zoo.search_space import draw_point, random_draw, spaces_of


class Example(Params):
    """Parameters with every kind of space."""

    factors: int = Field(64, ge=1, tune=int_range(16, 256, log=True))
    """A number."""
    loss: str = Field("softmax", tune=choice("softmax", "bpr"))
    """A name."""
    negatives: int = Field(256, ge=1, tune=int_range(64, 1024, log=True, when={"loss": "bpr"}))
    """A number that one value of another parameter needs."""
    rate: float | None = Field(None, gt=0, tune=log_range(1e-4, 1e-2, unset=True))
    """A number, or none."""
    share: float = Field(0.5, ge=0, le=1, tune=float_range(0, 1))
    """A share."""
    columns: list[str] = Field(["title"])
    """Not searched."""


def points(n=300, **settings):
    spaces, random = spaces_of(Example), Random(0)
    return [draw_point(spaces, dict(Example(**settings)), random_draw(random)) for _ in range(n)]


def test_spaces_stand_beside_the_fields_and_change_neither_validation_nor_schema():
    assert list(spaces_of(Example)) == ["factors", "loss", "rate", "share", "negatives"]
    assert Example().factors == 64
    properties = Example.model_json_schema()["properties"]
    assert properties["factors"] == {
        "default": 64, "description": "A number.", "minimum": 1, "title": "Factors", "type": "integer",
    }  # fmt: skip


def test_each_drawn_point_is_valid_and_reaches_the_whole_space():
    found = points()
    for point in found:
        assert Example(**point)
    assert {point["loss"] for point in found} == {"softmax", "bpr"}
    assert {point["rate"] is None for point in found} == {True, False}
    factors = [point["factors"] for point in found]
    assert min(factors) < 20
    assert max(factors) > 220
    assert 50 < sorted(factors)[len(factors) // 2] < 80  # the middle of a logarithmic scale is 64


def test_a_condition_looks_at_the_drawn_value_or_at_the_setting():
    assert all(("negatives" in point) == (point["loss"] == "bpr") for point in points())
    fixed = {name: space for name, space in spaces_of(Example).items() if name != "loss"}
    drawn = draw_point(fixed, dict(Example(loss="bpr")), random_draw(Random(0)))
    assert "negatives" in drawn
    assert "negatives" not in draw_point(fixed, dict(Example()), random_draw(Random(0)))


@pytest.mark.parametrize(
    ("space", "inside", "outside"),
    [
        (choice(1, True, "a"), [1, True, "a"], [2, False, None]),
        (choice((1, 4), None), [[1, 4], (1, 4), None], [[1], 4]),
        (int_range(1, 5), [1, 5], [0, 6, 1.5, True, None, "3"]),
        (log_range(0.1, 1, unset=True), [0.1, 1, None], [0.01, "a"]),
    ],
)
def test_what_a_space_contains(space, inside, outside):
    assert all(map(space.contains, inside))
    assert not any(map(space.contains, outside))


@pytest.mark.parametrize(
    ("space", "value", "nearest"),
    [
        (choice(5, 10, 40), 10, 10),
        (choice(5, 10, 40), 20, 10),
        (choice("softmax", "bpr"), "gbce", "softmax"),
        (choice(5, None), 7, 5),
        (float_range(0, 10), 20.0, 10),
        (float_range(0, 10), 3.5, 3.5),
        (float_range(0, 10), None, 5.0),
        (log_range(0.01, 1), None, 0.1),
        (log_range(0.01, 1, unset=True), None, None),
        (int_range(1, 5), 2.4, 2),
        (int_range(1, 5), -3, 1),
    ],
)
def test_the_nearest_value_of_a_space(space, value, nearest):
    found = space.nearest(value)
    assert found == nearest
    assert space.contains(found)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (choice(0.0, None, "a", (1, 2)), '0.0 | not set | "a" | [1, 2]'),
        (int_range(16, 256, log=True), "16 to 256, logarithmic"),
        (log_range(1e-4, 0.01, unset=True), "0.0001 to 0.01, logarithmic, or not set"),
        (float_range(0, 1, when={"loss": ("bpr", "bce")}), '0 to 1; if loss = "bpr" or "bce"'),
    ],
)
def test_a_space_in_words_and_as_json(space, words):
    assert str(space) == words
    json.dumps(space.as_json())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (choice, "expected one value or more, found none"),
        (lambda: int_range(5, 5), "expected `low` below `high`, found 5 and 5"),
        (lambda: float_range(0, float("inf")), "expected `low` below `high`, found 0 and inf"),
        (lambda: log_range(0, 1), "expected `low` above 0 on a logarithmic scale, found 0"),
        (lambda: int_range(1.5, 3), "expected whole numbers, found 1.5 and 3"),
    ],
)
def test_a_space_without_points_is_refused_where_it_is_written(make, message):
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == message


def test_conditions_that_name_nothing_or_each_other_are_refused():
    class Unknown(Params):
        a: int = Field(1, tune=choice(1, 2, when={"b": 1}))

    with pytest.raises(ValueError) as error:
        spaces_of(Unknown)
    assert str(error.value) == "Unknown.a: `when` names 'b', which is no parameter"

    class Circle(Params):
        a: int = Field(1, tune=choice(1, 2, when={"b": 1}))
        b: int = Field(1, tune=choice(1, 2, when={"a": 1}))

    with pytest.raises(ValueError) as error:
        spaces_of(Circle)
    assert str(error.value) == "the conditions of a and b depend on each other"


NOTHING_TO_SEARCH = {"random", "sentence-encoder", "borda"}
"""`random` has no parameters; a pretrained encoder and a fusion of rankings have none that data could choose."""


def test_every_component_that_learns_has_a_space():
    registry = Registry.discover()
    searched = {c.name: bool(spaces_of(c.spec.params)) for stage in ("predictor", "featurizer", "ranker") for c in registry.components(stage)}  # fmt: skip
    assert {name for name, found in searched.items() if not found} == NOTHING_TO_SEARCH


def test_the_training_settings_that_matter_have_spaces():
    assert list(spaces_of(NetworkSettings)) == ["batch_size", "learning_rate", "warmup_steps", "weight_decay"]
