"""The group of commands `zoo data`."""

from __future__ import annotations

import click

from zoo.cli.data.check_command import check
from zoo.cli.data.prepare_command import prepare


@click.group()
def data() -> None:
    """Check and prepare data before anything is fitted."""


data.add_command(check)
data.add_command(prepare)
