"""Every recipe of every installed component can be run as it stands; the long runs are in quality/test_recipes.py."""

import tomllib

import pytest

from zoo.api import ComponentSpec, Figure, Params, Recipe
from zoo.config.formatting import format_figure, format_settings
from zoo.config.load import experiment_from
from zoo.config.recipe import experiment_file
from zoo.registry.registry import default_registry

RECIPES = [
    pytest.param(component, recipe, id=f"{component.name}-{recipe.name}")
    for component in default_registry().components("predictor")
    for recipe in component.spec.reproduces
]
ENV = {"ZOO_DATA": "data"}


def test_there_are_recipes():
    assert {"ease-gowalla", "item-knn-gowalla"} <= {case.id for case in RECIPES}


@pytest.mark.parametrize(("component", "recipe"), RECIPES)
def test_a_recipe_is_an_experiment_in_order(component, recipe):
    resolved = experiment_from(recipe.experiment(component.name), env=ENV)
    (model,) = resolved.models
    assert model.predictor.component.qualified_name == component.qualified_name
    assert len(resolved.metrics) == len(recipe.figures)
    chosen = model.predictor.params.model_dump(mode="json")
    assert {key: chosen[key] for key in recipe.params} == dict(recipe.params)


@pytest.mark.parametrize(("component", "recipe"), RECIPES)
def test_the_file_of_a_recipe_says_the_same(component, recipe):
    assert tomllib.loads(experiment_file(component, recipe)) == recipe.experiment(component.name)


@pytest.mark.parametrize(("component", "recipe"), RECIPES)
def test_the_figures_of_a_recipe_are_in_order(component, recipe):
    for figure in recipe.figures:
        assert 0 < figure.tolerance < figure.value
        assert figure.source
        assert not figure.missed  # so far every recipe reaches what is published


@pytest.mark.parametrize(("component", "recipe"), RECIPES)
def test_the_data_of_a_recipe_are_where_it_says(component, recipe, data_dir):
    assert (data_dir / recipe.dataset / "interactions.parquet").exists()


FIGURE = Figure("ndcg@10", 0.1, 0.01, "A. Author")


@pytest.mark.parametrize(("measured", "seeds", "text"), [
    (None, 1, ""),
    (0.0901, 1, "; measured 0.0901"),
    (0.0901, 3, "; measured 0.0901 (3 seeds)"),
    (0.0899, 1, "; measured 0.0899 (not reached)"),
    (0.0899, 3, "; measured 0.0899 (3 seeds, not reached)"),
])  # fmt: skip
def test_a_recipe_says_where_it_falls_short_of_what_is_published(measured, seeds, text):
    figure = Figure("ndcg@10", 0.1, 0.01, "A. Author", measured, seeds)
    assert format_figure(figure) == f"ndcg@10 0.1 ± 0.01 (A. Author){text}"


def test_an_experiment_has_what_is_set_and_no_empty_table():
    assert Recipe("beauty", "amazon-beauty", (FIGURE,)).experiment("popular") == {
        "references": False,
        "data": {"source": {"name": "files", "interactions": "${ZOO_DATA}/amazon-beauty/interactions.parquet"}},
        "evaluate": {"metrics": ["ndcg@10"]},
        "model": [{"predictor": "popular"}],
    }


def test_settings_are_said_as_they_are_written():
    recipe = Recipe("a", "a", (FIGURE,), params={"dim": 64, "loss": "softmax"}, train={"refit": True})
    assert format_settings(recipe) == 'dim = 64, loss = "softmax"; train: refit = true'


@pytest.mark.parametrize(("stage", "names", "message"), [
    ("predictor", ("beauty", "beauty"), "recipe name 'beauty': use lower-case letters and digits, words joined by hyphens, each name once"),
    ("predictor", ("Beauty, refit",), "recipe name 'Beauty, refit': use lower-case"),
    ("ranker", ("beauty",), "reproduces is for predictors, which can be run alone"),
])  # fmt: skip
def test_a_recipe_that_cannot_be_asked_for_or_run_is_refused(stage, names, message):
    recipes = tuple(Recipe(name, "amazon-beauty", (FIGURE,)) for name in names)
    with pytest.raises(ValueError, match=f"component 'mine': {message}"):
        ComponentSpec("mine", stage, "a:B", Params, "A test.", reproduces=recipes)
