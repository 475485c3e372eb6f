"""The group of commands `zoo data`."""

from __future__ import annotations

import click

from zoo.cli.data.check_command import check


@click.group()
def data() -> None:
    """Check data and their split before anything is fitted."""


data.add_command(check)
