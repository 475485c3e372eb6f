"""Render the HTML report: templates with autoescaping, and a policy that allows the page's own script and no request."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ComponentError
from zoo.html_report.page import BenchmarkPage
from zoo.text_safety import show
from zoo.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


def require_jinja2(name: str = "report.html") -> None:
    """Refuse to write a page, of a name, without its template engine.

    Raises:
        ComponentError: Jinja2 is not installed.
    """
    try:
        import jinja2  # noqa: F401
    except ImportError:
        raise ComponentError(
            f'{name} needs the package Jinja2, which is not installed: pip install "shopzoo[report]"'
        ) from None


def render(parts: Sequence[BenchmarkPage], differences: Sequence[str] = ()) -> str:
    """Return the page for one or several folders.

    Args:
        parts: The parts, one for each task.
        differences: Why parts are not compared with each other.

    Raises:
        ComponentError: Jinja2 is not installed.
    """
    title = ", ".join(part.title for part in parts)
    return render_page("page.html.j2", title, "report", parts=parts, differences=differences)


def render_page(template: str, title: str, brand: str, **content: Any) -> str:
    """Return a page in the style of the project, complete in itself.

    Args:
        template: The template, which extends `base.html.j2`.
        title: The title of the page.
        brand: What kind of page it is, after the name of the project.
        content: What the template shows.

    Raises:
        ComponentError: Jinja2 is not installed.
    """
    require_jinja2()
    from markupsafe import Markup

    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    policy = "; ".join(
        [
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            f"script-src 'sha256-{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return (
        _environment()
        .get_template(template)
        .render(
            **content,
            title=title,
            brand=brand,
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            policy=policy,
            version=__version__,
            written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        )
    )


@cache  # it keeps the compiled templates
def _environment() -> Environment:
    """Return the environment of the templates: every value is escaped, and no text of data or plugins commands anything."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = _prose
    return environment


def _digest(script: str) -> str:
    """Return the hash of a script as a content security policy names it."""
    return b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")


def _visible(value: Any) -> Any:
    """Return a text with its control characters as escapes, lines kept; markup of the templates and other values as they are."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return "\n".join(map(show, value.split("\n")))
    return value


def _prose(text: str) -> Any:
    """Return a sentence in which text between backticks is code."""
    from markupsafe import Markup, escape

    parts = [escape(_visible(part)) for part in text.split("`")]
    if len(parts) % 2 == 0:
        return Markup("`").join(parts)
    return Markup("").join(Markup("<code>{}</code>").format(p) if at % 2 else p for at, p in enumerate(parts))
