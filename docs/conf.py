"""Settings of the documentation site. `make site` builds it into `build/site`.

The pages are Markdown that reads well on a code host, so they contain no table of contents: an `index.md` links its pages, and
the navigation is made of these links. Links to files outside this folder become downloads.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

from zoo.version import __version__

HERE = Path(__file__).parent
ABOUT = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "ShopZoo"
author = "the ShopZoo contributors"
release = version = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["generate"]

myst_heading_anchors = 6
myst_enable_extensions = ["fieldlist", "html_image"]
suppress_warnings = ["myst.header"]  # a generated page may begin a section two levels deeper
nb_execution_mode = "cache"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_output_stderr = "remove"  # progress bars
nb_execution_in_temp = True

default_role = "code"  # docstrings write `name`, as Markdown does
autodoc_default_options = {"members": True, "exclude-members": "model_config"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"ShopZoo {release}"
html_theme_options = {
    "source_repository": ABOUT["urls"]["Source"] + "/",
    "source_branch": "main",
    "source_directory": "docs/",
}
html_static_path = ["static"]
html_css_files = ["site.css"]
pygments_dark_style = "github-dark"
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
copybutton_prompt_text = "$ "

LINK = re.compile(r"\]\(([\w./-]+)\.(?:md|ipynb)(?:#[\w-]*)?\)")
OF_ROOT = re.compile(r"(\]\((?:\.\./)*)\.\./(CHANGELOG|CONTRIBUTING|SECURITY)\.md")
log = getLogger(__name__)


def add_contents(_: Sphinx, page: str, source: list[str]) -> None:
    """Add a hidden table of contents to an index page: the pages below its folder that it links to, in their order.

    Links to the pages of the repository's root lead to their copies here.
    """
    source[0] = OF_ROOT.sub(lambda link: f"{link[1]}{link[2].lower()}.md", source[0])
    if not page.endswith("index"):
        return
    folder = (HERE / page).parent
    linked = dict.fromkeys(name for name in LINK.findall(source[0]) if not name.startswith(".") and name != "index")
    below = [name for name in linked if "/" not in name or name.endswith("/index")]
    missing = {str(p.relative_to(folder).with_suffix("")) for p in folder.glob("*.md")} - {*below, "index"}
    if missing:
        log.warning("docs/%s.md does not link %s", page, ", ".join(sorted(missing)))
    source[0] += "\n\n```{toctree}\n:hidden:\n\n" + "\n".join(below) + "\n```\n"


def link_copies(_: Sphinx, __: Path, ___: str, content: list[str]) -> None:
    """Let the links between the pages of the repository's root lead to their copies here."""
    content[0] = re.sub(
        r"\]\((CHANGELOG|CONTRIBUTING|SECURITY)\.md", lambda link: f"]({link[1].lower()}.md", content[0]
    )


def convert_docstring(_: Sphinx, __: str, ___: str, documented: Any, ____: Any, lines: list[str]) -> None:
    """Convert a docstring to reStructuredText: an indented paragraph is code, and parameters have their descriptions."""
    converted: list[str] = []
    section = code = False
    for line in lines:
        indented = line.startswith("    ")
        if line and not indented:
            section, code = bool(re.fullmatch(r"[A-Z][a-z]+:", line)), False
        elif indented and not section and not code and (not converted or not converted[-1]):
            converted += ["::", ""]
            code = True
        converted.append(line if code else _escape(line))
    if fields := getattr(documented, "model_fields", None):
        converted += ["", "Attributes:", *(f"    {name}: {_escape(str(f.description))}" for name, f in fields.items())]
    lines[:] = converted


def _escape(line: str) -> str:
    """Escape what is markup outside of code in reStructuredText, and text in Markdown."""
    parts = re.split(r"(`+[^`]*`+)", line)
    return "".join(part if part.startswith("`") else re.sub(r"\||_(?!\w)", r"\\\g<0>", part) for part in parts)


def setup(app: Sphinx) -> None:
    """Register the handlers; docstrings are converted before napoleon reads them."""
    app.connect("source-read", add_contents)
    app.connect("include-read", link_copies)
    app.connect("autodoc-process-docstring", convert_docstring, priority=400)
