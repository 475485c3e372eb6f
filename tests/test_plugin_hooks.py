"""What plugins add besides components: the examples of each hook are listed, checked and used; what is wrong is refused."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import zoo
from zoo.api import NeuralParams
from zoo.artifacts.fit_artifact import fit
from zoo.cli.main import main
from zoo.config.json_schema import experiment_schema
from zoo.config.load import experiment_from
from zoo.errors import ConfigError, SplitError
from zoo.registry.discovery import discover_plugins
from zoo.registry.registry import Registry

EXAMPLES = Path(__file__).parents[1] / "examples" / "plugins"
NAMES = {
    "loss": ("hinge", EXAMPLES / "hinge_loss.py"),
    "sampler": ("tempered", EXAMPLES / "tempered_sampler.py"),
    "split": ("latest-users", EXAMPLES / "latest_users.py"),
    "candidate-features": ("loyalty", EXAMPLES / "brand_loyalty.py"),
}
SHOP = {"name": "synthetic-shop", "customers": 80, "items": 60, "events": 2000, "categories": 6, "brands": 12}
NET = {"name": "sasrec", "dim": 8, "length": 10, "loss": "sampled-softmax", "negatives": 16}


@pytest.fixture(autouse=True)
def forget():
    """Forget the plugins that a test wrote, whose names the next test uses again."""
    yield
    for name in ("bad_split", "bad_group", "taking", "packaged"):
        sys.modules.pop(name, None)


def experiment(model, **tables):
    return {
        "references": False,
        "data": {"source": SHOP},
        "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100, "candidates": 20},
        "train": {"max_epochs": 1},
        "model": [model],
        **tables,
    }


def command(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments], prog_name="zoo")
    assert result.exit_code == code, result.output
    return result.stdout


def test_the_schema_has_the_keys_of_a_split_policy():
    schema = experiment_schema(Registry.discover([NAMES["split"][1]]))
    choices = schema["$defs"]["Experiment"]["properties"]["split"]["oneOf"]
    assert choices[-1] == {"$ref": "#/$defs/split-latest-users"}
    table = schema["$defs"]["split-latest-users"]
    assert table["properties"]["policy"]["const"] == "latest-users"
    assert table["properties"]["test_users"]["exclusiveMaximum"] == 1
    assert table["properties"]["unit"]["enum"] == ["event", "basket", "session"]
    assert (table["required"], table["additionalProperties"]) == (["policy"], False)
    assert "LatestUsersParams" not in schema["$defs"]


@pytest.mark.parametrize("kind", NAMES)
def test_the_example_of_a_hook_is_listed_shown_and_examined(kind):
    name, file = NAMES[kind]
    for more in ([], ["--stage", kind]):
        found = [c for c in json.loads(command("list", "--json", "--plugin", file, *more)) if c["name"] == name]
        assert [(c["stage"], c["distribution"], bool(c["summary"])) for c in found] == [(kind, file.stem, True)]
    assert not any(
        c["name"] == name for c in json.loads(command("list", "--json", "--stage", "metric", "--plugin", file))
    )
    shown = command("show", name, "--plugin", file)
    assert shown.startswith(f"{name}  {kind.replace('-', ' ')}, {file.stem} file\n")
    (described,) = json.loads(command("show", name, "--json", "--plugin", file))
    assert (described["kind"], described["plugin"]["distribution"]) == (kind, file.stem)
    (finding,) = [f for f in json.loads(command("doctor", "--json", "--plugin", file)) if f["name"] == file.stem]
    assert (finding["errors"], finding["components"]) == ([], [f"{kind} {name}"])


def test_a_network_trains_with_a_loss_and_a_sampler_of_plugins(tmp_path):
    plugins = [NAMES["loss"][1], NAMES["sampler"][1]]
    model = {"label": "net", "predictor": {**NET, "loss": "hinge", "negative_sampling": "tempered"}}
    (row,) = zoo.bench(experiment(model), tmp_path, plugins=plugins).rows()
    assert row.error is None
    assert row.model["predictor"]["negative_sampling"] == "tempered"
    assert {"hinge_loss", "tempered_sampler"} <= set(row.versions)


def test_a_sampler_draws_with_the_probabilities_that_it_states(tmp_path):
    import torch

    Registry.discover([NAMES["sampler"][1]])
    counts = torch.tensor([0, 1, 4, 0, 9])
    sampler = sys.modules["tempered_sampler"].Tempered(counts, 60_000, torch.Generator().manual_seed(0))
    drawn = sampler.draw(torch.tensor([1]))
    times = torch.bincount(drawn.items, minlength=5)
    assert times[[0, 3]].tolist() == [0, 0]
    for item in (1, 2, 4):
        expected = float(drawn.log_q[drawn.items == item][0].exp())
        assert float(times[item]) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("name", "message"),
    [("temperd", "expected 'uniform', 'popularity', 'in-batch' or 'tempered'"), ("hinge", "expected 'uniform'")],
)
def test_an_unknown_sampler_is_refused(name, message):
    registry = Registry.discover([NAMES["sampler"][1]])
    with pytest.raises(ConfigError, match=message):
        experiment_from(experiment({"predictor": {**NET, "negative_sampling": name}}), registry=registry)
    with pytest.raises(ValueError, match="negative_sampling"):
        NeuralParams(negative_sampling="tempered")


def test_a_policy_of_a_plugin_splits_the_events(tmp_path):
    registry = Registry.discover([NAMES["split"][1]])
    raw = experiment({"predictor": "popular"}, split={"policy": "latest-users", "test_users": 0.5})
    resolved = experiment_from(raw, registry=registry)
    assert resolved.as_json()["split"]["test_users"] == 0.5
    (row,) = zoo.bench(raw, tmp_path, plugins=[NAMES["split"][1]]).rows()
    assert row.error is None
    assert 0 < row.queries <= 40
    artifact = fit(resolved, resolved.models[0])
    assert artifact.data["split"]["policy"] == "latest-users"


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"policy": "latest-user"}, "split.policy: no policy 'latest-user'. Did you mean 'latest-users'? Known: temporal, leave-last-out, strong-generalisation, given, latest-users."),
        ({"policy": "latest-users", "test_users": 2}, "split.test_users: expected a number less than 1, found 2."),
        ({"policy": "latest-users", "testusers": 0.2}, "split.testusers: unknown key. Did you mean 'test_users'?"),
    ],
)  # fmt: skip
def test_a_policy_and_its_keys_are_checked(split, message):
    registry = Registry.discover([NAMES["split"][1]])
    with pytest.raises(ConfigError) as error:
        experiment_from(experiment({"predictor": "popular"}, split=split), registry=registry)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("None", "split.policy 'bad-split': its function returned NoneType, expected a dictionary with a mask for 'test', and perhaps for 'validate' and 'rank'"),
        ("{'validate': log.items > 0}", "split.policy 'bad-split': its function returned the parts 'validate', expected a dictionary with a mask for 'test'"),
        ("{'test': log.items}", "split.policy 'bad-split': the mask of 'test' is int32 [1926], expected bool [1926], a value for each event"),
        ("{'test': log.items > 0, 'rank': log.items > 0}", "split.policy 'bad-split': 1,926 events are in several parts, expected one for each event"),
        ("{'test': np.arange(len(log)) % 2 == 0}", "split.policy 'bad-split': its function divides a session, which split.unit forbids"),
    ],
)  # fmt: skip
def test_what_a_policy_returns_is_checked(tmp_path, answer, message):
    file = tmp_path / "bad_split.py"
    file.write_text(
        "import numpy as np\nfrom zoo.api import SplitParams, SplitSpec, hookimpl\n"
        f"def split(log, params):\n    return {answer}\n"
        "@hookimpl\ndef zoo_splits():\n    return [SplitSpec('bad-split', 'bad_split:split', SplitParams)]\n"
    )
    split = {"policy": "bad-split", "unit": "session"}
    with pytest.raises(SplitError) as error:
        zoo.bench(experiment({"predictor": "popular"}, split=split), tmp_path / "o", plugins=[file])
    assert str(error.value).startswith(message)


def ranked(groups):
    ranker = {"name": "lambdamart", "trees": 5}
    model = {"label": "m", "predictor": "popular", "rankers": [ranker], "candidate_features": {"groups": groups}}
    return experiment(model, split={"policy": "temporal", "cuts": [0.5, 0.6, 0.8]})


def test_a_group_of_a_plugin_reaches_the_ranker_and_the_artifact(tmp_path):
    file = NAMES["candidate-features"][1]
    raw = ranked(["score", {"name": "loyalty", "column": "category"}])
    (row,) = zoo.bench(raw, tmp_path / "bench", plugins=[file]).rows()
    assert row.error is None
    assert row.model["candidate_features"]["groups"] == ["score", {"name": "loyalty", "column": "category"}]
    assert "brand_loyalty" in row.versions
    resolved = experiment_from(raw, registry=Registry.discover([file]))
    artifact = fit(resolved, resolved.models[0])
    artifact.save(tmp_path / "artifact")
    loaded = zoo.load_artifact(tmp_path / "artifact", plugins=[file])
    lists = [shop.recommend(history=_items(artifact), k=8).to_arrow() for shop in (artifact, loaded)]
    assert lists[0].equals(lists[1])
    found = artifact.pipeline.retrieve(_queries(artifact), 5, artifact.rules)
    features = artifact.pipeline.ranking_lists(_queries(artifact), found)
    assert features.columns == ("score", "rank", "loyalty-share", "loyalty-favourite")
    share, favourite = features.features[..., 2], features.features[..., 3]
    assert bool((share <= favourite + 1e-6).all())
    assert float(share.max()) > 0


def _queries(artifact):
    from zoo.artifacts.session import session_queries

    return session_queries(artifact, [_items(artifact), _items(artifact)[:1]], None)


def _items(artifact):
    return artifact.catalogue.ids.to_pylist()[1:4]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["loyalti"], "no group 'loyalti'. Did you mean 'loyalty'? Known: score, popularity, trend, history, item, categories, price, similarity, vectors, loyalty."),
        ([{"name": "loyalty", "colum": "brand"}], "loyalty.colum: unknown key. Did you mean 'column'?"),
        ([{"name": "score", "column": "brand"}], "expected the name of a group, or a table with the `name` of a plugin's group, found"),
    ],
)  # fmt: skip
def test_a_group_and_its_parameters_are_checked(groups, message):
    registry = Registry.discover([NAMES["candidate-features"][1]])
    with pytest.raises(ConfigError) as error:
        experiment_from(ranked(groups), registry=registry)
    assert message in str(error.value)


def test_a_column_that_a_group_reads_must_exist(tmp_path):
    raw = ranked([{"name": "loyalty", "column": "colour"}])
    with pytest.raises(ConfigError, match=r"^m: loyalty reads the item column 'colour', and the items have title"):
        zoo.bench(raw, tmp_path, plugins=[NAMES["candidate-features"][1]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("1", "candidate features 'bad-group' returned int, expected a dictionary of features"),
        ("{'a': items[:, :1] * [[1, 2]]}", "candidate features 'bad-group': 'a' has the shape"),
        ("{'a': items / (items * 0)}", "candidate features 'bad-group': 'a' has NaN, expected numbers: fill missing values"),
    ],
)  # fmt: skip
def test_what_a_group_returns_is_checked(tmp_path, values, message):
    file = tmp_path / "bad_group.py"
    file.write_text(
        "from zoo.api import CandidateFeatureSpec, hookimpl\n"
        f"def group(queries, items, item_columns, params):\n    items = items.numpy() * 0.0\n    return {values}\n"
        "@hookimpl\ndef zoo_candidate_features():\n    return [CandidateFeatureSpec('bad-group', 'bad_group:group')]\n"
    )
    with np.errstate(all="ignore"):
        (row,) = zoo.bench(ranked(["score", "bad-group"]), tmp_path / "o", plugins=[file]).rows()
    assert f"ScoreError: {message}" in row.error


@pytest.mark.parametrize(
    ("hook", "spec", "taken"),
    [
        ("zoo_samplers", "SamplerSpec('uniform', 'taking:f')", "the sampler 'uniform' is already provided by the core: rename it"),
        ("zoo_splits", "SplitSpec('given', 'taking:f', SplitParams)", "the split 'given' is already provided by the core: rename it"),
        ("zoo_candidate_features", "CandidateFeatureSpec('price', 'taking:f')", "the candidate features 'price' is already provided by the core: rename it"),
        ("zoo_samplers", "LossSpec('a', 'taking:f')", "in its list, expected a SamplerSpec"),
        ("zoo_samplers", "SamplerSpec('A', 'taking:f')", "sampler name 'A': use lower-case letters and digits, words joined by hyphens"),
        ("zoo_splits", "SplitSpec('a', 'taking', SplitParams)", "split 'a': target 'taking' is not of the form 'package.module:function'"),
        ("zoo_splits", "SplitSpec('a', 'taking:f', 1)", "split 'a': params must be a class, found 1"),
    ],
)  # fmt: skip
def test_a_name_that_is_taken_and_a_wrong_spec_break_the_plugin(tmp_path, hook, spec, taken):
    file = tmp_path / "taking.py"
    names = "CandidateFeatureSpec, LossSpec, SamplerSpec, SplitParams, SplitSpec, hookimpl"
    file.write_text(f"from zoo.api import {names}\n@hookimpl\ndef {hook}():\n    return [{spec}]\n")
    _, broken = discover_plugins([file], env={"ZOO_PLUGINS": "core"})
    assert taken in broken[0].error


def test_listing_the_examples_imports_no_torch(tmp_path):
    import subprocess

    file = tmp_path / "packaged.py"
    file.write_text(
        "from zoo.api import CandidateFeatureSpec, SamplerSpec, SplitParams, SplitSpec, hookimpl\n"
        "@hookimpl\ndef zoo_samplers():\n    return [SamplerSpec('a', 'elsewhere:A')]\n"
        "@hookimpl\ndef zoo_splits():\n    return [SplitSpec('b', 'elsewhere:b', SplitParams)]\n"
        "@hookimpl\ndef zoo_candidate_features():\n    return [CandidateFeatureSpec('c', 'elsewhere:c')]\n"
    )
    code = (
        "import sys\nfrom zoo.cli.main import main\n"
        f"main(['list', '--plugin', {str(file)!r}], standalone_mode=False)\n"
        "print(*[m for m in ('torch', 'numpy', 'pyarrow') if m in sys.modules], 'end')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "end", done.stderr
