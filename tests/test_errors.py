"""Whose error it is, is said."""

import numpy as np
import pyarrow as pa
import pytest

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import DataError, ScoreError, SplitError, naming
from zoo.pipeline.fitting import fit_on_log
from zoo.registry.registry import default_registry
from zoo.stages.context import RunContext


def chosen(stage, name, **params):
    component = default_registry().find(stage, name)
    return Chosen(component, component.params(params))


@pytest.mark.parametrize(
    ("slot", "part", "message"),
    [
        ("filters", chosen("filter", "price-band", min=3), "price-band: the catalogue has no column 'price'. Its columns: title."),
        ("filters", chosen("filter", "deny-list", ids=["z"]), "deny-list: 1 of 1 ids are not in the catalogue: 'z'. "),
        ("featurizers", chosen("featurizer", "tabular", columns=["category"]), "tabular: the catalogue has no column 'category'. Its columns: title."),
        (
            "featurizers",
            chosen("featurizer", "tf-idf", columns=["titel"]),
            "tf-idf: the catalogue has no column 'titel'. Did you mean 'title'? Its columns: title.",
        ),
    ],
)  # fmt: skip
def test_a_part_that_does_not_fit_the_data_is_named_once(slot, part, message):
    log = Interactions.from_arrays(np.array([0, 0, 1]), np.array([1, 2, 2]))
    catalogue = Catalogue(pa.array([None, "a", "b"]), pa.table({"title": [None, "a hat", "a lamp"]}))
    model = ResolvedModel("m", chosen("predictor", "popular"), **{slot: (part,)})
    with pytest.raises(DataError) as error:
        fit_on_log(model, log, catalogue, RunContext())
    assert str(error.value).startswith(message)


class OfAPlugin(DataError):
    def __init__(self, column):
        super().__init__(f"no {column}.", "Add it.")


def test_an_error_keeps_its_kind_and_others_are_left_alone():
    with pytest.raises(SplitError, match=r"^x: too few$"), naming("x"):
        raise SplitError("too few")
    with pytest.raises(OfAPlugin, match=r"^x: no size\. Add it\.$") as error, naming("x"):
        raise OfAPlugin("size")
    assert (error.value.found, error.value.advice) == ("x: no size.", "Add it.")
    with pytest.raises(ScoreError, match=r"^NaN$"), naming("x"):
        raise ScoreError("NaN")
