"""From one name to all names; and which names are refused, with what is said."""

import pytest

from zoo.errors import ScaffoldError
from zoo.registry.registry import Registry
from zoo.scaffold.names import Names, derive_names


@pytest.mark.parametrize(
    ("name", "module", "class_name"),
    [("my-model", "my_model", "MyModel"), ("item2vec", "item2vec", "Item2vec"), ("a-2", "a_2", "A2")],
)
def test_all_names_come_of_one(name, module, class_name):
    assert derive_names(name, "ranker", Registry([])) == Names(name, module, class_name)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("MyModel", "Did you mean 'my-model'?"),
        ("my_model", "Did you mean 'my-model'?"),
        ("my model", "Did you mean 'my-model'?"),
        ("2vec", "Did you mean 'vec'?"),
        ("-x", "Did you mean 'x'?"),
        ("a--b", "Did you mean 'a-b'?"),
        ('x"; import os', "Did you mean 'x-import-os'?"),
        ("$name", "Did you mean 'name'?"),
        ("é", "E.g. 'my-model'."),
        ("", "E.g. 'my-model'."),
    ],
)
def test_what_is_no_name_is_refused_with_the_nearest_that_is(name, suggestion):
    with pytest.raises(ScaffoldError) as error:
        derive_names(name, "predictor", Registry([]))
    assert str(error.value) == (
        f"{name!r} is not a valid component name: expected lower-case letters and digits, a letter first, words joined by "
        f"hyphens. {suggestion}"
    )


@pytest.mark.parametrize("name", ["class", "random", "json"])
def test_a_word_of_python_is_refused(name):
    with pytest.raises(ScaffoldError) as error:
        derive_names(name, "predictor", Registry([]))
    assert (
        str(error.value)
        == f"{name!r}: its module would be {name!r}, a Python keyword or standard library module. Choose another name."
    )


def test_an_installed_module_is_refused():
    with pytest.raises(ScaffoldError, match=r"'pluggy': the module 'pluggy' is already installed \(.*\)\. Choose"):
        derive_names("pluggy", "predictor", Registry([]))


def test_a_distribution_or_plugin_that_is_installed_is_refused(install):
    install("good")
    for name in ("scikit-learn", "good"):
        with pytest.raises(ScaffoldError) as error:
            derive_names(name, "predictor", Registry.discover())
        assert str(error.value) == (
            f"{name!r}: a distribution or plugin of this name is already installed. Choose another name."
        )


@pytest.mark.parametrize(("name", "class_name"), [("ranker", "Ranker"), ("neural", "NeuralParams")])
def test_a_class_that_would_hide_one_of_the_api_is_refused(name, class_name):
    with pytest.raises(ScaffoldError) as error:
        derive_names(name, "ranker", Registry([]))
    assert str(error.value) == (
        f"{name!r}: its class would be {class_name!r}, a name that plugins import. Choose another name."
    )


def test_a_component_that_is_installed_is_refused_in_its_stage_only(install):
    install("good")
    registry = Registry.discover()
    for name in ("shelf", "shelf-order"):
        with pytest.raises(ScaffoldError) as error:
            derive_names(name, "predictor", registry)
        assert str(error.value) == (
            f"{name!r}: the plugin shopzoo-fixture-good has a predictor of this name. Choose another name, or uninstall it."
        )
    assert derive_names("shelf", "ranker", registry).class_name == "Shelf"
