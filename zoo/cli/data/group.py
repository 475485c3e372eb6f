"""The group of commands `zoo data`."""

from __future__ import annotations

import click

from zoo.cli.data.check_command import check
from zoo.cli.data.clean_command import clean
from zoo.cli.data.describe_command import describe
from zoo.cli.data.prepare_command import prepare
from zoo.cli.data.report_command import report_data


@click.group()
def data() -> None:
    """Look at data, clean, check and prepare them before anything is fitted; describe those of a run."""


data.add_command(report_data)
data.add_command(check)
data.add_command(clean)
data.add_command(prepare)
data.add_command(describe)
