"""A component added to an existing package: found, complete, and nothing lost of what was there."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.errors import ScaffoldError
from zoo.registry.registry import Registry
from zoo.scaffold.existing_package import add_component
from zoo.scaffold.source_edits import add_to_hook, append_definitions, returned_list
from zoo.scaffold.writer import SUMMARIES
from zoo.spec import STAGES

ROOT = Path(__file__).parents[2]
HOOK = "@hookimpl\ndef zoo_components():\n    return {}\n"
ADDITION = (
    "from zoo.api import Capabilities, ComponentSpec, hookimpl\n\nfrom mine.params import NewParams\n\n\n"
    + HOOK.format("[\n        ComponentSpec(\n            name='new',\n        )\n    ]")
)


def add(folder, name, kind):
    neural = kind == "neural"
    return add_component(folder, name, "predictor" if neural else kind, Registry([]), neural=neural)


def tree(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def describe(folder, module):
    """Return the names, stages and targets of a package's components, whose classes are imported."""
    code = (
        f"import sys; sys.path.insert(0, {str(folder / 'src')!r}); from importlib import import_module\n"
        f"specs = import_module({module!r}).zoo_components()\n"
        "assert 'torch' not in sys.modules\n"
        "for spec in specs:\n"
        "    module, _, name = spec.target.partition(':')\n"
        "    getattr(import_module(module), name)(spec.params(**spec.tiny))\n"
        "print(*[f'{spec.stage}:{spec.name}' for spec in specs])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_package_can_have_a_component_of_each_kind(package, tmp_path):
    folder = package(tmp_path / "my-first", "filter")
    for kind in SUMMARIES:
        written = add(folder, f"my-{kind}", kind)
        assert [path.name for path in written.new] == [f"example-my-{kind}.toml", f"my_{kind}.py"]
        assert [path.name for path in written.changed] == ["README.md", "__init__.py", "params.py"]
        readme = (folder / "README.md").read_text()
        assert f"| `my-{kind}` |" in readme
        assert f"| `example-my-{kind}.toml` | a benchmark of it |" in readme.partition("| file | content |")[2]
        assert f"/my_{kind}.py` | the " in readme
    stages = ["predictor" if kind == "neural" else kind for kind in SUMMARIES]
    added = [f"{stage}:my-{kind}" for stage, kind in zip(stages, SUMMARIES, strict=True)]
    assert describe(folder, "my_first") == ["filter:my-first", *added]
    for arguments in (["format", "--check"], ["check", "--select", "I,F,E4"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", "src"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name", sorted({path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")} - {"ray", "serve"})
)
def test_the_packages_of_the_zoo_can_be_extended(tmp_path, name):
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    folder = shutil.copytree(ROOT / "plugins" / name, tmp_path / "copy", ignore=ignored)
    hook = folder / "src" / f"shopzoo_{name}" / "__init__.py"
    before, elements = tree(folder), returned_list(hook.read_text()).elts
    written = add(folder, "an-addition", "metric")
    after = returned_list(hook.read_text()).elts
    assert [ast.dump(e) for e in after[:-1]] == [ast.dump(e) for e in elements]
    assert "name='an-addition', stage='metric'" in ast.unparse(after[-1])
    for path in written.changed:
        old = [line for line in before[str(path.relative_to(folder))].decode().splitlines() if " import " not in line]
        assert not set(old) - set(path.read_text().splitlines())


def test_a_package_without_tests_parameters_or_table_gets_what_is_missing(package, tmp_path):
    folder = package(tmp_path / "my-first", "filter")
    shutil.rmtree(folder / "tests")
    (folder / "README.md").write_text("My own words.\n")
    params = folder / "src" / "my_first" / "params.py"
    hook = folder / "src" / "my_first" / "__init__.py"
    for file in (hook, hook.with_name("model.py")):
        file.write_text(file.read_text().replace("my_first.params", "my_first.parameters"))
    params.rename(params.with_name("parameters.py"))
    written = add(folder, "my-second", "ranker")
    assert [path.name for path in written.new] == [
        "example-my-second.toml",
        "my_second.py",
        "params.py",
        "test_conformance.py",
    ]
    assert [path.name for path in written.changed] == ["__init__.py"]
    assert (folder / "README.md").read_text() == "My own words.\n"
    assert describe(folder, "my_first") == ["filter:my-first", "ranker:my-second"]


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "[ComponentSpec(name='é')]",
        "[ComponentSpec(name='é'),]",
        "[\n        ComponentSpec(name='a')\n    ]",
        "[\n        ComponentSpec(name='a'),  # the first, of 2\n    ]",
        "[\n        ComponentSpec(name='a')  # the first, of 2\n    ]",
        "[*others(), ComponentSpec(\n        name='a',\n    )]",
    ],
)
@pytest.mark.parametrize(
    "imports", ["from zoo.api import hookimpl", "import zoo.api\nfrom zoo.api import (\n    hookimpl,\n)"]
)
def test_an_entry_is_added_to_every_form_of_list(answer, imports):
    source = f'"""About."""\n\n{imports}\n\n\n{HOOK.format(answer)}\n\nLAST = 1\n'
    edited = add_to_hook(source, ADDITION)
    before, after = returned_list(source).elts, returned_list(edited).elts
    assert [ast.dump(e) for e in after[:-1]] == [ast.dump(e) for e in before]
    assert ast.unparse(after[-1]) == "ComponentSpec(name='new')"
    assert edited.endswith("LAST = 1\n")
    assert all(line in edited.splitlines() for line in source.splitlines() if "#" in line and "'a')  #" not in line)
    bound = {a.name for n in ast.parse(edited).body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert bound == {"Capabilities", "ComponentSpec", "NewParams", "hookimpl"}


def test_a_module_without_the_hook_gets_it():
    edited = add_to_hook("from zoo.api import LossSpec, hookimpl\n\n\nX = 1\n", ADDITION)
    assert [ast.unparse(e) for e in returned_list(edited).elts] == ["ComponentSpec(name='new')"]


def test_definitions_follow_those_of_a_module_that_has_no_imports():
    addition = '"""New."""\n\nfrom zoo.api import Params\n\n\nclass New(Params):\n    """It."""\n'
    assert append_definitions("", addition) == 'from zoo.api import Params\n\n\nclass New(Params):\n    """It."""\n'
    assert append_definitions('"""Old."""\n', addition) == (
        '"""Old."""\n\nfrom zoo.api import Params\n\n\nclass New(Params):\n    """It."""\n'
    )


def point(folder, text):
    about = folder / "pyproject.toml"
    about.write_text(about.read_text().replace('my-first = "my_first"', text))


def module(folder):
    return folder / "src" / "my_first"


@pytest.mark.parametrize(
    ("spoil", "name", "message"),
    [
        (lambda f: (f / "pyproject.toml").unlink(), "b", "--into {f}: expected the folder of a package, and it has no pyproject.toml. To create a package, leave --into out."),
        (lambda f: (f / "pyproject.toml").write_text("x ="), "b", "{f}/pyproject.toml: Invalid value (at end of document). Correct the file."),
        (lambda f: point(f, ""), "b", "{f}/pyproject.toml has no entry points in [project.entry-points.shopzoo], expected one, the module with the hooks: add it, or write the component by hand."),
        (lambda f: point(f, 'a = "a"\nb = "b"'), "b", "{f}/pyproject.toml has 2 entry points in [project.entry-points.shopzoo], expected one, the module with the hooks: add it, or write the component by hand."),
        (lambda f: point(f, 'a = "a.b"'), "b", "{f}/pyproject.toml: its entry point is the module 'a.b', and there is no {f}/src/a/b/__init__.py. Turn the module into a folder with `__init__.py`, or write the component by hand."),
        (lambda f: (module(f) / "b.py").write_text("mine"), "b", "{f}/src/my_first/b.py already exists and is not overwritten: choose another name, or remove it."),
        (lambda f: None, "model", "{f}/src/my_first/model.py already exists and is not overwritten: choose another name, or remove it."),
        (lambda f: (f / "example-b.toml").symlink_to(f / "nowhere"), "b", "{f}/example-b.toml already exists and is not overwritten: choose another name, or remove it."),
        (lambda f: None, "my-first", "{f}/src/my_first/__init__.py: the package has a filter 'my-first' already. Choose another name."),
        (lambda f: (module(f) / "params.py").write_text("class BParams:\n    pass\n"), "b", "{f}/src/my_first/params.py has a class BParams already. Choose another name."),
        (lambda f: (module(f) / "params.py").write_text("class B("), "b", "{f}/src/my_first/params.py, line 1: '(' was never closed. Correct the file first."),
        (lambda f: (module(f) / "__init__.py").write_text("def"), "b", "{f}/src/my_first/__init__.py, line 1: invalid syntax. Correct the file first."),
        (lambda f: (module(f) / "__init__.py").write_text("def zoo_components():\n    return SPECS\n"), "b", "{f}/src/my_first/__init__.py: its zoo_components does not return a list that is written in the function, so the component cannot be added to it. Let it end in `return [...]`, or write the component by hand."),
        (lambda f: None, "My-B", "'My-B' is not a valid component name: expected lower-case letters and digits, a letter first, words joined by hyphens. Did you mean 'my-b'?"),
        (lambda f: None, "class", "'class': its module would be 'class', a Python keyword or standard library module. Choose another name."),
    ],
)  # fmt: skip
def test_a_package_that_cannot_be_extended_is_left_as_it_is(package, tmp_path, spoil, name, message):
    folder = package(tmp_path / "my-first", "filter")
    spoil(folder)
    before = tree(folder)
    with pytest.raises(ScaffoldError) as error:
        add(folder, name, "filter")
    assert str(error.value) == message.format(f=folder)
    assert tree(folder) == before


@pytest.mark.parametrize("fails_at", range(5))
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_files_that_were_written_before_an_error_are_undone(package, tmp_path, monkeypatch, fails_at, error):
    folder, calls = package(tmp_path / "my-first", "filter"), []
    shutil.rmtree(folder / "tests")
    before, replace = tree(folder), Path.replace

    def failing(self, target):
        calls.append(target)
        if len(calls) > fails_at:
            raise error
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises((ScaffoldError, KeyboardInterrupt)) as caught:
        add(folder, "my-second", "filter")
    if isinstance(error, OSError):
        assert str(caught.value).endswith(": No space left on device. Nothing was changed.")
    assert tree(folder) == before
    assert not (folder / "tests").exists()


def test_windows_line_ends_are_kept(package, tmp_path):
    folder = package(tmp_path / "my-first", "filter")
    hook = module(folder) / "__init__.py"
    hook.write_bytes(hook.read_bytes().replace(b"\n", b"\r\n"))
    add(folder, "my-second", "filter")
    assert hook.read_bytes().count(b"\r\n") == hook.read_bytes().count(b"\n")
    assert describe(folder, "my_first") == ["filter:my-first", "filter:my-second"]


def test_every_stage_has_a_kind():
    assert set(STAGES) <= set(SUMMARIES)
