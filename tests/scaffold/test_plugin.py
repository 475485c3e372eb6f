"""What is written is whole, clean and runs; and where it cannot be written, nothing is."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import zoo
from zoo.errors import ScaffoldError
from zoo.registry.registry import Registry
from zoo.scaffold.writer import SUMMARIES, TEMPLATES, new_file, new_package
from zoo.spec import API_VERSION, STAGES
from zoo.version import compatible_core

ROOT = Path(__file__).parents[2]
SMALL = {"customers": 60, "items": 80, "events": 1500, "categories": 6, "brands": 12}


def names_under(folder):
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


def test_there_is_a_template_for_each_stage_and_for_a_network():
    assert set(SUMMARIES) == {*STAGES, "neural"}
    assert {f.name for f in TEMPLATES.iterdir()} == {*SUMMARIES, "package"}


def test_a_package_has_these_files_and_no_others(package, kind, tmp_path):
    folder = package(tmp_path / "my-model", kind)
    assert names_under(folder) == [
        "README.md", "example.toml", "pyproject.toml", "src/my_model/__init__.py", "src/my_model/model.py",
        "src/my_model/params.py", "tests/test_conformance.py",
    ]  # fmt: skip
    assert [f.name for f in tmp_path.iterdir()] == ["my-model"]


def test_a_package_names_its_entry_point_and_needs_the_core_alone(package, tmp_path):
    pyproject = tomllib.loads((package(tmp_path / "my-model", "ranker") / "pyproject.toml").read_text())["project"]
    assert pyproject["entry-points"] == {"shopzoo": {"my-model": "my_model"}}
    assert (pyproject["name"], pyproject["dependencies"]) == ("my-model", [compatible_core()])


@pytest.mark.parametrize(
    ("version", "requirement"),
    [
        ("0.1.0", "shopzoo>=0.1.0,<0.2"),
        ("0.9.3", "shopzoo>=0.9.3,<0.10"),
        ("1.4.2", "shopzoo>=1.4.2,<2"),
        ("2.0.0rc1", "shopzoo>=2.0.0rc1,<3"),
    ],
)
def test_a_package_needs_the_versions_that_are_compatible_with_the_one_it_was_made_with(
    monkeypatch, version, requirement
):
    monkeypatch.setattr("zoo.version.__version__", version)
    assert compatible_core() == requirement


@pytest.mark.parametrize("name", ["a", "purchase-sequence-model"])
def test_what_is_written_is_formatted_and_has_nothing_to_lint(package, single_file, kind, tmp_path, name):
    folder = package(tmp_path / name, kind)
    file = single_file(tmp_path / f"{name.replace('-', '_')}.py", kind)
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    lint = ["check", "--select", ",".join(rules["select"]), "--ignore", ",".join(rules["ignore"])]
    google = ["--config", "lint.pydocstyle.convention = 'google'"]
    for place, what in ((folder, "src"), (folder, "tests"), (tmp_path, file.name)):
        for arguments in ([*lint, *google], ["format", "--check"]):
            command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", what]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


def test_what_describes_a_package_imports_nothing_heavy(package, tmp_path):
    folders = [package(tmp_path / f"my-{kind}", kind) for kind in SUMMARIES]
    code = (
        "import sys\n"
        f"sys.path[:0] = {[str(folder / 'src') for folder in folders]!r}\n"
        f"modules = [__import__(f'my_{{kind}}') for kind in {list(SUMMARIES)!r}]\n"
        "specs = [spec for module in modules for spec in module.zoo_components()]\n"
        "assert all(spec.params(**spec.tiny) for spec in specs)\n"
        "print(*[spec.target for spec in specs], *[m for m in ('torch', 'numpy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == [f"my_{kind}.model:My{kind.capitalize()}" for kind in SUMMARIES], done.stderr


def test_a_single_file_is_found_and_makes_a_row(package, single_file, kind, tmp_path):
    packaged = (package(tmp_path / f"tried-{kind}", kind) / "example.toml").read_text()
    file = single_file(tmp_path / f"tried_{kind}.py", kind)
    written = file.with_suffix(".toml").read_text()
    command = f"zoo bench tried_{kind}.toml --plugin tried_{kind}.py"
    assert written == packaged.replace("zoo bench example.toml", command)
    assert command in file.read_text()
    experiment = tomllib.loads(written)
    small = {"users": 40, "events": 1200} if kind == "dataset" else SMALL
    experiment["data"]["source"].update(small)
    experiment["evaluate"]["bootstrap"] = 100
    experiment.setdefault("train", {})["max_epochs"] = 2
    rows = zoo.bench(experiment, tmp_path / "out", plugins=[file]).rows()
    assert [row.error for row in rows] == [None, None]
    del sys.modules[f"tried_{kind}"]


def test_a_single_file_says_which_api_it_was_written_for(single_file, kind, tmp_path):
    file = single_file(tmp_path / f"written_{kind}.py", kind)
    plugin = Registry.discover([file]).plugins[-1]
    assert [spec.api for spec in plugin.specs] == [API_VERSION]
    assert plugin.warnings == ()
    assert f"api={API_VERSION}," in file.read_text()
    del sys.modules[f"written_{kind}"]


@pytest.mark.parametrize(
    ("make", "name", "taken"),
    [
        (new_package, "my-model", "my-model"),
        (new_file, "my_model.py", "my_model.py"),
        (new_file, "my_model.py", "my_model.toml"),
    ],
)
def test_nothing_is_overwritten(tmp_path, make, name, taken):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(ScaffoldError) as error:
        make(tmp_path / name, "filter", Registry([]))
    assert str(error.value) == (
        f"{tmp_path / taken} already exists and is not overwritten: choose another name, or remove it."
    )
    assert names_under(tmp_path) == [taken]
    assert (tmp_path / taken).read_text() == "mine"


def test_an_empty_folder_and_a_broken_link_are_in_the_way_as_well(tmp_path):
    (tmp_path / "my-model").mkdir()
    (tmp_path / "my-link").symlink_to(tmp_path / "nowhere")
    for name in ("my-model", "my-link"):
        with pytest.raises(ScaffoldError, match="already exists"):
            new_package(tmp_path / name, "filter", Registry([]))


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(ScaffoldError) as error:
        new_package(tmp_path / "no" / "my-model", "filter", Registry([]))
    assert str(error.value) == (
        f"{tmp_path / 'no' / 'my-model'}: there is no folder {tmp_path / 'no'}. Create it first."
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("make", "name"), [(new_package, "my-model"), (new_file, "my_model.py")])
def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path, monkeypatch, make, name):
    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ScaffoldError) as error:
        make(tmp_path / name, "filter", Registry([]))
    assert str(error.value) == (f"{tmp_path / name} cannot be written: No space left on device. Choose another folder.")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_folder_has_the_usual_mode(package, tmp_path):
    (tmp_path / "usual").mkdir()
    assert package(tmp_path / "my-model", "filter").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize(
    ("make", "name", "message"),
    [
        (
            new_package,
            "my_model.py",
            "is a file name, and a package is a folder: add --single-file, or drop the suffix, as in my-model.",
        ),
        (new_file, "my-model", ": expected the name of a Python file, as in my_model.py."),
        (new_file, "my-model.py", ": a file with a hyphen cannot be imported. Use my_model.py instead."),
    ],
)
def test_a_file_and_a_folder_are_not_mixed_up(tmp_path, make, name, message):
    with pytest.raises(ScaffoldError) as error:
        make(tmp_path / name, "filter", Registry([]))
    assert str(error.value).removeprefix(str(tmp_path / name)).lstrip(" ") == message
    assert not list(tmp_path.iterdir())


def test_there_is_a_network_for_a_predictor_only(tmp_path):
    with pytest.raises(ScaffoldError) as error:
        new_package(tmp_path / "my-model", "ranker", Registry([]), neural=True)
    assert str(error.value) == (
        "--neural applies only to a predictor, found --stage ranker. Remove one of the two options."
    )
