"""Every recipe of every installed component reaches its figures: minutes for some, hours for networks on two cores."""

import pytest

import zoo
from zoo.config.load import experiment_from
from zoo.registry.registry import default_registry

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("component", "recipe"), [
    pytest.param(component, recipe, id=f"{component.name}-{recipe.name}")
    for component in default_registry().components("predictor")
    for recipe in component.spec.reproduces
])  # fmt: skip
def test_a_recipe_reaches_its_figures(component, recipe, data_dir, tmp_path):
    experiment = experiment_from(recipe.experiment(component.name), env={"ZOO_DATA": str(data_dir)})
    row, *_ = zoo.bench(experiment, tmp_path / "out").rows()
    if (row.error or "").startswith("ResourceError"):
        pytest.skip(row.error)
    assert row.error is None
    for figure in recipe.figures:
        assert row.metrics[figure.metric][0] >= figure.value - figure.tolerance, figure.metric
