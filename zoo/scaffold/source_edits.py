"""Add code to existing Python modules: imports, definitions, and an entry of the list that a hook returns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

WIDTH = 88
"""The longest line of a merged import; the default of formatters."""
HOOK = "zoo_components"


def append_definitions(source: str, addition: str) -> str:
    """Return a module followed by the definitions of another; their imports are merged.

    Args:
        source: The existing module.
        addition: A module with imports and definitions.
    """
    nodes = [node for node in ast.parse(addition).body if not _is_import(node) and not _is_docstring(node)]
    body = "\n\n\n".join(_segment(addition, node) for node in nodes)
    return f"{merge_imports(source, addition).rstrip()}\n\n\n{body}\n"


def add_to_hook(source: str, addition: str) -> str:
    """Return the module of a hook with one more component in the list that `zoo_components` returns.

    Args:
        source: The existing module.
        addition: A module with imports and a hook `zoo_components` that returns one component.

    Raises:
        ValueError: The hook does not return a list that is written in it.
    """
    found = returned_list(source)
    merged = merge_imports(source, addition)
    if found is None:
        if any(isinstance(node, ast.FunctionDef) and node.name == HOOK for node in ast.parse(source).body):
            raise ValueError(f"its {HOOK} does not return a list that is written in the function")
        return append_definitions(source, addition)
    (element,) = _require(returned_list(addition)).elts
    return _insert_element(merged, _segment(addition, element))


def returned_list(source: str) -> ast.List | None:
    """Return the list that `zoo_components` returns, or None if there is no such list in the module."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == HOOK:
            answers = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
            return answers[0] if len(answers) == 1 and isinstance(answers[0], ast.List) else None
    return None


def merge_imports(source: str, addition: str) -> str:
    """Return a module with the `from` imports of another module added to its own."""
    for node in ast.parse(addition).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            source = _import_names(source, node.module, [alias.name for alias in node.names])
    return source


def _import_names(source: str, module: str, names: list[str]) -> str:
    """Return a module that imports names from another; an existing import of that module is extended."""
    tree, lines = ast.parse(source), source.splitlines()
    imports = [node for node in tree.body if _is_import(node)]
    existing = [
        node for node in imports if isinstance(node, ast.ImportFrom) and node.module == module and not node.level
    ]
    have = {alias.asname or alias.name for node in existing for alias in node.names}
    if set(names) <= have:
        return source
    plain = [node for node in existing if all(alias.asname is None for alias in node.names)]
    if plain:
        node = plain[0]
        text = _format_import(module, {*names, *(alias.name for alias in node.names)})
        lines[node.lineno - 1 : node.end_lineno] = [text]
        return "\n".join(lines) + "\n"
    text, package = _format_import(module, names), module.partition(".")[0]
    siblings = [n for n in imports if isinstance(n, ast.ImportFrom) and (n.module or "").partition(".")[0] == package]
    later = [node for node in siblings if (node.module or "") > module]
    if later:
        lines.insert(later[0].lineno - 1, text)
    elif siblings or imports:
        before = (siblings or imports)[-1]
        lines[before.end_lineno : before.end_lineno] = [text] if siblings else ["", text]
    else:
        after = tree.body[0].end_lineno or 0 if tree.body and _is_docstring(tree.body[0]) else 0
        lines[after:after] = ["", text] if after else [text, ""]
    return "\n".join(lines) + "\n"


def _format_import(module: str, names: Iterable[str]) -> str:
    """Return an import statement with its names in the order of formatters: constants, classes, functions."""
    ordered = sorted(set(names), key=lambda name: (0 if name.isupper() else 1 if name[:1].isupper() else 2, name))
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n    " + ",\n    ".join(ordered) + ",\n)"


def _insert_element(source: str, element: str) -> str:
    """Return the module of a hook with an element, whose lines after the first are indented, at the end of the returned list."""
    answer, lines = _require(returned_list(source)), source.splitlines()
    close = (answer.end_lineno or 0) - 1
    column = _column(lines, answer) - 1  # of the closing bracket
    if answer.elts:
        last = answer.elts[-1]
        at, end = (last.end_lineno or 0) - 1, _column(lines, last)
        rest = (
            [lines[at][end:column]] if at == close else [lines[at][end:], *lines[at + 1 : close], lines[close][:column]]
        )
        if "," not in re.sub(r"#.*", "", "\n".join(rest)):
            lines[at] = f"{lines[at][:end]},{lines[at][end:]}"
            column += at == close
    before, after = lines[close][:column], lines[close][column:]
    if before.strip():
        lines[close : close + 1] = [before.rstrip(), f"        {element},", f"    {after}"]
    else:
        lines.insert(close, f"        {element},")
    return "\n".join(lines) + "\n"


def _column(lines: list[str], node: ast.expr) -> int:
    """Return the column after a node in characters; the syntax tree counts bytes."""
    line = lines[(node.end_lineno or 0) - 1]
    return len(line.encode()[: node.end_col_offset or 0].decode())


def _segment(source: str, node: ast.expr | ast.stmt) -> str:
    """Return the text of a node, with the decorators of a definition."""
    if isinstance(node, ast.expr):
        return ast.get_source_segment(source, node) or ""
    first = node.decorator_list[0] if isinstance(node, ast.FunctionDef) and node.decorator_list else node
    return "\n".join(source.splitlines()[first.lineno - 1 : node.end_lineno])


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _require(answer: ast.List | None) -> ast.List:
    assert answer is not None
    return answer
