"""What a value may be read from, and what is said where it cannot be."""
# ruff: noqa: RUF012 (pydantic copies a default for each instance)

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Discriminator, Tag, ValidationError, model_validator

from zoo.api import Field, Params
from zoo.errors import ConfigError
from zoo.params import validated


class Layer(Params):
    width: int = Field(64, ge=1)


class Adam(Params):
    kind: Literal["adam"] = "adam"
    beta: float = 0.9


class SGD(Params):
    kind: Literal["sgd"] = "sgd"
    momentum: float = 0.0


Optimiser = Annotated[
    Annotated[Adam, Tag("adam")] | Annotated[SGD, Tag("sgd")],
    Discriminator(lambda value: value.get("kind", "adam") if isinstance(value, dict) else getattr(value, "kind", None)),
]


class Everything(Params):
    path: Path = Path("x")
    sizes: tuple[int, ...] = (1, 2)
    rate: float = Field(1.0, gt=0, le=10)
    on: bool = True
    size: int | Literal["auto"] = "auto"
    words: set[str] = set()
    weights: dict[str, float] = {}
    limit: float | None = Field(None, gt=0)
    first: Layer = Layer()
    layers: list[Layer] = Field([], max_length=2)
    optimiser: Optimiser = Adam()
    schedule: Adam | SGD = Field(SGD(), discriminator="kind")
    name: str = Field("a", min_length=1, pattern="[a-z]+")

    @model_validator(mode="after")
    def _fits(self):
        if self.limit is not None and self.limit < self.rate:
            raise ValueError("limit must not be below rate")
        return self


def test_what_toml_has_is_taken():
    read = validated(
        Everything,
        {"path": "a/b", "sizes": [3], "rate": 2, "size": 7, "words": ["x"], "weights": {"v": 1}, "layers": [{"width": 2}]},
        "model[1].predictor",
    )  # fmt: skip
    assert (read.path, read.sizes, read.rate, read.size) == (Path("a/b"), (3,), 2.0, 7)
    assert (read.words, read.weights, read.layers) == ({"x"}, {"v": 1.0}, [Layer(width=2)])


@pytest.mark.parametrize(("values", "message"), [
    ({"path": 3}, "p.path: expected a path, found 3."),
    ({"sizes": [1, "2"]}, "p.sizes[2]: expected a whole number, found the string '2'. Remove the quotes."),
    ({"sizes": [True]}, "p.sizes[1]: expected a whole number, found true."),
    ({"sizes": 3}, "p.sizes: expected a list, found 3."),
    ({"rate": "fast"}, "p.rate: expected a number, found 'fast'."),
    ({"rate": False}, "p.rate: expected a number, found false."),
    ({"rate": 11}, "p.rate: expected a number of at most 10, found 11."),
    ({"on": 1}, "p.on: expected true or false, found 1."),
    ({"on": "yes"}, "p.on: expected true or false, found 'yes'."),
    ({"size": "automatic"}, "p.size: expected a whole number, or 'auto', found 'automatic'. Did you mean 'auto'?"),
    ({"size": True}, "p.size: expected a whole number, or 'auto', found true."),
    ({"words": "x"}, "p.words: expected a list, found 'x'."),
    ({"weights": {"view": "1.5"}}, "p.weights.view: expected a number, found the string '1.5'. Remove the quotes."),
    ({"weights": [1]}, "p.weights: expected a table, found [1]."),
    ({"limit": 0}, "p.limit: expected a number greater than 0, found 0."),
    ({"limit": 0.5}, "p: limit must not be below rate"),
    ({"first": 3}, "p.first: expected a table, found 3."),
    ({"first": {"width": 0}}, "p.first.width: expected a number of at least 1, found 0."),
    ({"first": {"widht": 3}}, "p.first.widht: unknown key. Did you mean 'width'? Known here: width."),
    ({"layers": [{"width": 3}, {"widht": 3}]}, "p.layers[2].widht: unknown key. Did you mean 'width'? Known here: width."),
    ({"layers": [{}, {}, {}]}, "p.layers: expected 2 or fewer entries, found [{}, {}, {}]."),
    ({"layers": {"width": 3}}, "p.layers: expected a list, found a table. Write [[p.layers]] to begin each table of the list."),
    ({"optimiser": {"kind": "adma"}}, "p.optimiser.kind: expected 'adam', 'sgd', found 'adma'. Did you mean 'adam'?"),
    ({"optimiser": {"kind": "sgd", "beta": 1.0}}, "p.optimiser.beta: unknown key. Known here: kind, momentum."),
    ({"optimiser": {"kind": "sgd", "momentum": "high"}}, "p.optimiser.momentum: expected a number, found 'high'."),
    ({"optimiser": {"momentum": 0.5}}, "p.optimiser.momentum: unknown key. Known here: beta, kind."),
    ({"schedule": {"kind": "adma"}}, "p.schedule.kind: expected 'adam', 'sgd', found 'adma'. Did you mean 'adam'?"),
    ({"schedule": {"kind": "sgd", "beta": 0.5}}, "p.schedule.beta: unknown key. Known here: kind, momentum."),
    ({"schedule": {}}, "p.schedule: expected a table with 'kind', found {}."),
    ({"name": ""}, "p.name: expected 1 or more characters, found ''."),
    ({"name": "A"}, "p.name: expected a string that matches [a-z]+, found 'A'."),
    ({"nmae": "a"}, "p.nmae: unknown key. Did you mean 'name'? Known here: "
     "first, layers, limit, name, on, optimiser, path, rate, schedule, size, sizes, weights, words."),
])  # fmt: skip
def test_what_does_not_fit_is_told(values, message):
    with pytest.raises(ConfigError) as error:
        validated(Everything, values, "p")
    assert str(error.value).splitlines() == [message]


def test_parameters_built_in_python_are_as_strict():
    with pytest.raises(ValidationError):
        Layer(width="64")
    with pytest.raises(ValidationError):
        Layer(width=True)


def test_parameters_do_not_change():
    with pytest.raises(ValidationError):
        Layer().width = 3


@given(st.dictionaries(st.sampled_from([*Everything.model_fields, "other"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["width", "kind", "beta", "x"]), inner, max_size=3),
    max_leaves=6,
), max_size=4))  # fmt: skip
def test_whatever_is_written_is_taken_or_told_by_its_path(values):
    try:
        validated(Everything, values, "p")
    except ConfigError as error:
        for line in str(error).splitlines():
            assert line.startswith("p")
            path = line.partition(":")[0]
            assert path == "p" or path.split(".")[1].partition("[")[0] in values
