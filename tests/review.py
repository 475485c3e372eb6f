"""Review the code of the core and of the plugins for calls that can run a stranger's code; `make check` runs it.

    python tests/review.py

Each rule has the places that are accepted, with the reason. A place that is not listed fails the review, and so does a reason
without a place.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("zoo", "plugins/*/src")

IMPORTS = {
    **dict.fromkeys(("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"), "pickle"),
    **dict.fromkeys(("subprocess", "pty"), "process"),
}
"""Modules whose import is a finding, and its rule."""
CALLS = {
    **dict.fromkeys(("torch.load", "torch.save", "pandas.read_pickle", "pd.read_pickle"), "pickle"),
    **dict.fromkeys(("eval", "exec", "compile", "__import__", "builtins.eval", "builtins.exec"), "eval"),
    **dict.fromkeys(("import_module", "importlib.import_module", "runpy.run_path", "runpy.run_module"), "import"),
    **dict.fromkeys(("os.system", "os.popen", "os.execv", "os.execvp", "os.spawnv", "os.posix_spawn"), "process"),
    **dict.fromkeys(("yaml.load", "yaml.unsafe_load", "yaml.full_load"), "yaml"),
    **dict.fromkeys(("tempfile.mktemp", "mktemp"), "temporary"),
}
"""Calls that are a finding, and the rule."""
ARGUMENTS = {("allow_pickle", True): "pickle", ("weights_only", False): "pickle", ("shell", True): "shell"}
"""Keyword arguments that are a finding in any call, and the rule."""

RULES = {
    "pickle": "a pickle runs code when it is read: use safetensors, Parquet or JSON",
    "eval": "text is run as code: parse it",
    "import": "a module is imported by a name in a variable: the name must never come from a config or an artifact",
    "process": "another program is started: arguments must be a list, and none may come from a stranger's file",
    "shell": "a shell parses the command: pass a list of arguments",
    "yaml": "yaml.load creates any object: use yaml.safe_load",
    "temporary": "another process can create the file first: use NamedTemporaryFile or TemporaryDirectory",
    "assert": "an assertion is no answer to a wrong input, and is left out under -O: raise a class of zoo.errors",
}
"""What each rule is about, and what to do."""

ACCEPTED = {
    ("zoo/training/started_ranks.py", "pickle"): "catches PicklingError; nothing is written or read",
    ("zoo/lazy.py", "import"): "names of modules from a table in the code",
    ("zoo/benchmark/comparison.py", "import"): "the class of a task, from a table in the code",
    (
        "zoo/registry/plugin_extensions.py",
        "import",
    ): "the target of an extension, which the hook of a loaded plugin gives",
    ("zoo/registry/component.py", "import"): "the target of a component, which the hook of a loaded plugin gives",
    ("zoo/testing/fresh_main.py", "import"): "the plugin under test, which the author names",
    ("zoo/testing/fresh.py", "process"): "this Python with a module of the core, and no shell",
    (
        "zoo/registry/loading.py",
        "process",
    ): "a constant script; the name of a plugin reaches it through stdin, not as code",
    ("zoo/benchmark/executors/isolation.py", "process"): "this Python with a module of the core, and no shell",
}
"""The places that are accepted: file and rule, and the reason."""


@dataclass(frozen=True)
class Finding:
    """A place in the code."""

    file: str
    line: int
    rule: str
    code: str

    def __str__(self) -> str:
        """Describe the finding and what to do."""
        return f"{self.file}:{self.line}: {self.code}: {RULES[self.rule]}"


def review(text: str, file: str) -> Iterator[Finding]:
    """Yield the findings in the text of a file."""
    for node in ast.walk(ast.parse(text)):
        for rule in _rules(node):
            yield Finding(file, getattr(node, "lineno", 0), rule, ast.unparse(node).splitlines()[0][:80])


def _rules(node: ast.AST) -> Iterator[str]:
    """Yield the rules that a node of the syntax tree breaks."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        yield from {IMPORTS[name.partition(".")[0]] for name in names if name.partition(".")[0] in IMPORTS}
    elif isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if called in CALLS:
            yield CALLS[called]
        for keyword in node.keywords:
            if isinstance(keyword.value, ast.Constant) and (keyword.arg, keyword.value.value) in ARGUMENTS:
                yield ARGUMENTS[keyword.arg, keyword.value.value]
    elif isinstance(node, ast.Assert) and not _narrows(node.test):
        yield "assert"


def _narrows(test: ast.expr) -> bool:
    """Return whether an assertion only tells the type checker what holds already: `x is not None`, `isinstance(x, C)`."""
    if isinstance(test, ast.Call):
        return ast.unparse(test.func) == "isinstance"
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.IsNot):
        return False
    return isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value is None


def review_tree(root: Path = ROOT) -> list[str]:
    """Return a line for each finding that is not accepted, and for each reason without a place."""
    files = sorted(file for folder in FOLDERS for top in root.glob(folder) for file in top.rglob("*.py"))
    found = [f for file in files for f in review(file.read_text(encoding="utf-8"), str(file.relative_to(root)))]
    kept = {(finding.file, finding.rule) for finding in found}
    lines = [str(finding) for finding in found if (finding.file, finding.rule) not in ACCEPTED]
    stale = [key for key in ACCEPTED if key not in kept]
    return lines + [f"{file}: nothing there breaks the rule {rule!r}: remove it from ACCEPTED" for file, rule in stale]


if __name__ == "__main__":
    problems = review_tree()
    print("\n".join(problems) or f"review: {len(ACCEPTED)} accepted places, nothing else")
    sys.exit(bool(problems))
