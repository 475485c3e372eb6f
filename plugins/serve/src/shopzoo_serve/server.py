"""Run the application in uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

import click
import uvicorn

from shopzoo_serve.app import create_app
from shopzoo_serve.service import Service
from shopzoo_serve.settings import Settings
from zoo import load_artifact
from zoo.api import ConfigError


def run_server(folder: Path, host: str, port: int, settings: Settings, plugins: Sequence[Path]) -> None:
    """Serve an artifact until a signal ends it.

    Raises:
        ArtifactError: The artifact cannot be loaded.
        ConfigError: The address cannot be listened on.
    """
    listening = _listen(host, port)
    artifact = load_artifact(folder, plugins=plugins)
    app = create_app(Service(artifact, settings, folder, plugins))
    where = f"[{host}]" if ":" in host else host
    click.echo(
        f"{artifact!r}\nserved on http://{where}:{listening.getsockname()[1]}, described on /docs. Ctrl-C ends it."
    )
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on", timeout_keep_alive=30)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, before the artifact is loaded.

    Raises:
        ConfigError: The address is taken, or not of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(2_048)  # who connects from now on waits until the artifact is loaded
    except OSError as error:
        raise ConfigError(
            f"zoo serve cannot listen on {host}, port {port} ({error}). Choose another --port, or an address of this machine."
        ) from None
    return found
