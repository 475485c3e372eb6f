"""Damaged folders: loading one raises `ArtifactError` and nothing else, and runs nothing of it."""

import ast
import json
import random
import shutil
from pathlib import Path

import pytest

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.manifest import add_checksum, file_digest
from zoo.artifacts.saving import load_artifact
from zoo.errors import ArtifactError

ROOT = Path(__file__).parents[2]
FILES = (
    "zoo.json",
    "state.json",
    "vocabulary.parquet",
    "users.parquet",
    "histories.safetensors",
    "predictor.safetensors",
)


@pytest.fixture
def damaged(copy):
    """Return a function that replaces a file's bytes, tries to load, and puts them back."""

    def tried(name, content, *, seal=False):
        before = {path: path.read_bytes() for path in (copy / name, copy / "zoo.json")}
        (copy / name).write_bytes(content)
        if seal:
            plain = json.loads(before[copy / "zoo.json"])
            plain.pop("checksum")
            plain["files"][name].update(size=len(content), blake2b=file_digest(copy / name))
            (copy / "zoo.json").write_text(add_checksum(plain))
        try:
            loaded = load_artifact(copy)
        except ArtifactError:
            loaded = None
        finally:
            for path, old in before.items():
                path.write_bytes(old)
        assert loaded is None or isinstance(loaded, Artifact)
        return loaded

    return tried


def mutations(content, rng, n):
    """Yield the content with bytes changed, cut off, put in, or swapped."""
    for _ in range(n):
        changed, at = bytearray(content), rng.randrange(len(content))
        kind = rng.randrange(5)
        if kind == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed = changed[:at]
        elif kind == 2:
            changed[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif kind == 3:
            changed[at : at + 8] = rng.randbytes(8)
        else:
            changed = changed[at:] + changed[:at]
        if bytes(changed) != content:
            yield bytes(changed)


@pytest.mark.parametrize("name", FILES[1:])
def test_no_changed_file_is_loaded(copy, damaged, name):
    content = (copy / name).read_bytes()
    for changed in mutations(content, random.Random(name), 25):
        assert damaged(name, changed) is None
    assert damaged(name, content) is not None


def test_no_changed_manifest_is_loaded_unless_it_says_the_same(copy, damaged):
    content = (copy / "zoo.json").read_bytes()
    for changed in mutations(content, random.Random(0), 60):
        if damaged("zoo.json", changed) is not None:
            assert json.loads(changed) == json.loads(content)


@pytest.mark.parametrize("name", [name for name in FILES[1:] if not name.endswith("parquet")])
def test_a_changed_file_under_its_own_checksum_is_refused_or_harmless(copy, damaged, name):
    """Whoever can write the manifest can make the hashes fit: what is read then must still end in an `ArtifactError`."""
    for changed in mutations((copy / name).read_bytes(), random.Random(name), 40):
        damaged(name, changed, seal=True)


@pytest.mark.parametrize("name", ["vocabulary.parquet", "users.parquet"])
def test_a_shortened_table_under_its_own_checksum_is_refused(copy, damaged, name):
    content = (copy / name).read_bytes()
    for end in (0, 3, 8, len(content) // 2, len(content) - 1):
        assert damaged(name, content[:end], seal=True) is None
    assert damaged(name, content[::-1], seal=True) is None


def test_no_file_is_taken_for_another(saved, copy, damaged):
    for name in FILES:
        for other in FILES:
            if other != name:
                assert damaged(name, (copy / other).read_bytes()) is None
    for path in saved["transition-graph"].iterdir():
        if (copy / path.name).exists() and path.read_bytes() != (copy / path.name).read_bytes():
            assert damaged(path.name, path.read_bytes()) is None


def test_a_pickle_in_the_place_of_tensors_runs_nothing(copy, damaged, tmp_path):
    program = f"cbuiltins\nexec\n(S'open({str(tmp_path / 'ran')!r}, \"w\")'\ntR.".encode()
    for name in FILES[1:]:
        assert damaged(name, program, seal=True) is None
    shutil.rmtree(copy)
    assert not (tmp_path / "ran").exists()


FORBIDDEN_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {
    "torch.load",
    "torch.save",
    "np.load",
    "numpy.load",
    "load_from_checkpoint",
    "eval",
    "exec",
    "compile",
}


def forbidden(source):
    """Yield what a source imports or calls that can run what it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (
                a.name for a in node.names if a.name.partition(".")[0] in FORBIDDEN_MODULES and a.name != "pickle"
            )
            yield from (a.name for a in node.names if a.name == "pickle" and a.asname)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pickle":
            if node.attr != "PicklingError":  # what `multiprocessing` raises; naming it reads nothing
                yield f"pickle.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in FORBIDDEN_MODULES:
            yield node.module
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in FORBIDDEN_CALLS or called.endswith(".load_from_checkpoint"):
                yield called


def test_the_search_finds_what_it_is_for():
    source = "import pickle\nfrom joblib import load\ntorch.load(pickle.load(file))\neval('1')\nmodel.eval()\nre.compile('a')"
    assert sorted(forbidden(source)) == ["eval", "joblib", "pickle.load", "torch.load"]


def test_nothing_in_the_sources_reads_what_could_run():
    files = [
        *(ROOT / "zoo").rglob("*.py"),
        *(ROOT / "plugins").glob("*/src/**/*.py"),
        *(ROOT / "examples").rglob("*.py"),
    ]
    assert len(files) > 100
    assert {str(file): found for file in files if (found := list(forbidden(file.read_text())))} == {}
