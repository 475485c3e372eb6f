"""`zoo serve`: answer requests over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from shopzoo_serve.settings import Settings

DEFAULTS = Settings()


@click.command("serve")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True, help="0 chooses a free port.")
@click.option("--api-key", envvar="ZOO_API_KEY", help="The key that requests must have; also in ZOO_API_KEY.")
@click.option(
    "--batch",
    type=click.IntRange(1, 1_024),
    default=DEFAULTS.batch,
    show_default=True,
    help="The most requests that are scored in one call of the model; 1 scores each alone.",
)
@click.option(
    "--max-k", type=click.IntRange(1), default=DEFAULTS.max_k, show_default=True, help="The longest list of a request."
)
@click.option(
    "--max-history",
    type=click.IntRange(1),
    default=DEFAULTS.max_history,
    show_default=True,
    help="The most events of a history in a request.",
)
@click.option(
    "--max-body",
    type=click.IntRange(1),
    default=DEFAULTS.max_body,
    show_default=True,
    help="The most bytes of a request's body.",
)
@click.option(
    "--state", type=click.Path(path_type=Path), help="The folder of the log of live events.  [default: FOLDER.live]"
)
@click.option(
    "--fsync",
    type=click.Choice(["always", "never"]),
    default=DEFAULTS.fsync,
    show_default=True,
    help="Whether events are on the disk before they are acknowledged.",
)
@click.option(
    "--max-events",
    type=click.IntRange(1),
    default=DEFAULTS.max_events,
    show_default=True,
    help="The most live events that are held; those of users who came longest ago go first.",
)
@click.option(
    "--plugin", "plugins", multiple=True, type=click.Path(path_type=Path), help="A plugin that is a file. Repeatable."
)
def serve(
    *,
    folder: Path,
    host: str,
    port: int,
    api_key: str | None,
    batch: int,
    max_k: int,
    max_history: int,
    max_body: int,
    state: Path | None,
    fsync: Literal["always", "never"],
    max_events: int,
    plugins: tuple[Path, ...],
) -> None:
    """Answer requests for recommendations over HTTP, with the artifact in FOLDER.

    The page /docs of the server describes the requests. Without --api-key, everybody who reaches the port may ask; the
    server listens on this machine only, unless --host says otherwise.
    """
    if api_key is not None and not (api_key.strip() and api_key.isascii()):
        raise click.UsageError("--api-key is empty or has characters that are not ASCII.")
    from shopzoo_serve.server import run_server

    path = folder.resolve()
    settings = Settings(
        api_key=api_key,
        batch=batch,
        max_k=max_k,
        max_history=max_history,
        max_body=max_body,
        state=state or path.with_name(f"{path.name}.live"),
        fsync=fsync,
        max_events=max_events,
    )
    run_server(folder, host, port, settings, plugins)
