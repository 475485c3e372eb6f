"""Fuzz experiment files: `python tests/fuzz/configs.py --count 10000 --seed 0`.

A file is drawn from a grammar: the JSON schemas of the experiment and of the parameters of every installed component give the
keys and their types. Some values are hostile, some files are damaged as text, some get overrides. It is then checked as
`zoo config check` does.
"""

import datetime
import json
import math
import random
from pathlib import Path

from harness import main

from zoo.cli.config_command import _as_json as as_json
from zoo.cli.config_command import _lines as summary
from zoo.config.experiment import Experiment
from zoo.config.json_schema import experiment_schema
from zoo.config.load import load_experiment
from zoo.config.rank_experiment import RankExperiment
from zoo.errors import ZooError
from zoo.registry.registry import default_registry

HOSTILE = [
    "", " ", "als", "ndcg@10", "ndcg@0", "ndcg@99999999999999999999", "random", "shopzoo/als", "/etc/passwd", "../../x", "~", "${HOME}", "${NOPE}",
    "${", "${NOPE", "$(id)", "a\nb", "a|b", "<script>", "\x1b[2J", "\x00", "\u202e", "é" * 200, "x" * 100_000, "%s%n", "{0}", "[bold]",
    0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**12, 10**400, 1e308, -0.0, 0.5, math.inf, -math.inf, math.nan, 1e-320, True, False,
    [], {}, [[]], [{}], {"name": "als"}, {"name": ""}, {"name": ["als"]}, {"": 1}, [None], datetime.date(2024, 1, 1),
    datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC), datetime.time(1, 2), {"name": "files", "interactions": "x"},
]  # fmt: skip
REGISTRY = default_registry()
FILES = [Experiment.model_json_schema(), RankExperiment.model_json_schema()]
RIGHT = [
    {"data": {"source": "synthetic-shop"}, "split": {"policy": "temporal"}, "model": [{"predictor": "popular"}]},
    {"task": "rank", "data": {"source": {"name": "files", "interactions": "x.csv"}}, "split": {"policy": "folds"}, "model": [{"rankers": ["mmr"]}]},
]  # fmt: skip
STAGES = {"source": "dataset", "metrics": "metric", "predictor": "predictor", "featurizer": "featurizer",
          "features": "featurizer", "filters": "filter", "rankers": "ranker"}  # fmt: skip


class Grammar:
    """Draws tables, components and values.

    Attributes:
        rng: The random numbers of the case.
        rate: How often a value is hostile or a key misspelt.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.rate = rng, rng.choice([0.0, 0.0, 0.002, 0.04])

    def strays(self) -> bool:
        """Return whether to leave the grammar here."""
        return self.rng.random() < self.rate

    def value(self, schema: dict, defs: dict, depth: int = 0) -> object:
        """Return a value that a JSON schema allows, or a hostile one."""
        rng = self.rng
        if self.strays() or depth > 6:
            return rng.choice(HOSTILE)
        if "$ref" in schema:
            return self.value(defs.get(schema["$ref"].rpartition("/")[2], {}), defs, depth + 1)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self.value(rng.choice(choices), defs, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return rng.choice(schema["enum"])
        kind = schema.get("type")
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        high = schema.get("maximum", schema.get("exclusiveMaximum", 100))
        if kind == "integer":
            return rng.choice([low, high, int(low) + rng.randrange(4)])
        if kind == "number":
            return rng.choice([low, high, float(low) + 0.5, float(low) + rng.random() / 10])
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "array":
            length = max(rng.randrange(3), schema.get("minItems", 0))
            return [self.value(schema.get("items", {}), defs, depth + 1) for _ in range(length)]
        if kind == "object":
            return self.table(schema, defs, depth + 1)
        return rng.choice(["title", "category", "price", "view", "ndcg@10", "events.parquet"])

    def table(self, schema: dict, defs: dict, depth: int = 0) -> dict:
        """Return a table with some of the keys of a schema."""
        table, required = {}, schema.get("required", ())
        for key, value in schema.get("properties", {}).items():
            if self.rng.random() < (1 - self.rate if key in required else 0.15):
                table[key[::-1] if self.strays() else key] = self.choice(key, value, defs, depth)
        if self.strays():
            table[str(self.rng.choice(HOSTILE))[:50]] = self.rng.choice(HOSTILE)
        return table

    def choice(self, key: str, schema: dict, defs: dict, depth: int) -> object:
        """Return components under a key that takes components, else a value."""
        stage = STAGES.get(key)
        if stage is None:
            return self.value(schema, defs, depth)
        many = key not in ("source", "predictor") and self.rng.random() < 0.7
        drawn = [self.component(stage) for _ in range(self.rng.randrange(4) if many else 1)]
        return drawn if many else drawn[0]

    def component(self, stage: str) -> object:
        """Return a component by its name, or with parameters."""
        rng = self.rng
        if self.strays():
            return rng.choice(HOSTILE)
        component = rng.choice(list(REGISTRY.components(None if self.strays() else stage)))
        name = rng.choice(component.names)
        if rng.random() < 0.5:
            return f"{name}@{rng.choice([1, 5, 10])}" if stage == "metric" else name
        schema = component.spec.params.model_json_schema()
        return {"name": name, **self.table(schema, schema.get("$defs", {}))}

    def experiment(self) -> dict:
        """Return the content of an experiment file: a small one that is right, with some of its tables drawn."""
        rank = self.rng.random() < 0.2
        schema = FILES[rank]
        right = RIGHT[rank]
        drawn = self.table(schema, schema["$defs"])
        drawn["model"] = [self.table(schema["$defs"]["RankModel" if rank else "Model"], schema["$defs"])]
        kept = {key: value for key, value in right.items() if self.rng.random() < 0.6}
        return {**right, **drawn, **kept} if self.rng.random() < 0.8 else drawn


def to_toml(value: object, rng: random.Random) -> str:
    """Return a value as a TOML literal."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) > 2**70 and rng.random() < 0.5:
        return hex(abs(value))
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(value), repr(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {to_toml(v, rng)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(to_toml(v, rng) for v in value) + "]"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return json.dumps("null" if value is None else value, ensure_ascii=rng.random() < 0.5).replace("\x7f", "\\u007f")


def draw_file(rng: random.Random) -> bytes:
    """Return an experiment file."""
    table = Grammar(rng).experiment()
    text = "".join(f"{key} = {to_toml(value, rng)}\n" for key, value in table.items() if key.isidentifier())
    if rng.random() < 0.05:
        text = rng.choice([
            f"x = {'9' * 5000}\n{text}", f"x = {'[' * 3000}{']' * 3000}\n{text}", f"[{'.'.join('a' * 3000)}]\n", f"{text}{text}", "\ufeff" + text,
            text.replace("\n", "\r\n"), text.replace("\n", "\x0b"), f"x = {'{a = ' * 2000}1{'}' * 2000}\n", f'"{"k" * 10_000}" = 1\n{text}',
        ])  # fmt: skip
    content = text.encode("utf-8", "surrogatepass")
    return damage(rng, content) if rng.random() < 0.15 else content


def damage(rng: random.Random, content: bytes) -> bytes:
    """Return bytes with a part changed, removed or repeated."""
    at, length = rng.randrange(len(content) + 1), rng.choice([1, 1, 2, 8, 100])
    middle = rng.choice(
        [
            b"",
            bytes(rng.randrange(256) for _ in range(length)),
            content[at : at + length] * 2,
            b"\x00",
            b"\xff\xfe",
            b'"',
        ]
    )
    return content[:at] + middle + content[at + length :]


def draw_overrides(rng: random.Random) -> list[str]:
    """Return overrides of a command line."""
    paths = [
        "train.seeds",
        "model.als.predictor.factors",
        "data.source",
        "model.1.label",
        "split.policy",
        "a.b.c",
        "",
        "model",
        "=",
        "x" * 300,
    ]
    return [f"{rng.choice(paths)}={to_toml(rng.choice(HOSTILE), rng)}" for _ in range(rng.choice([0, 0, 0, 0, 1, 2]))]


def check_config(rng: random.Random, folder: Path) -> str:
    """Check a file; an experiment that is accepted can be printed and stored."""
    file = folder / "experiment.toml"
    file.write_bytes(draw_file(rng))
    overrides = draw_overrides(rng)
    try:
        experiment = load_experiment(file, overrides, REGISTRY)
        json.dumps(as_json(experiment))
        summary(experiment)
    except ZooError as error:
        text = str(error)
        if str(file) not in text and not text.startswith("--set"):
            raise AssertionError(f"the message does not name the file: {text[:300]}") from error
        if len(text) > 100_000:
            raise AssertionError(f"a message of {len(text):,} characters: {text[:300]}") from error
        return "refused"
    return "accepted"


def prepare() -> None:
    """Build the schema once: it imports what checks need."""
    experiment_schema(REGISTRY)


if __name__ == "__main__":
    main(__file__, "configs", check_config, prepare)
