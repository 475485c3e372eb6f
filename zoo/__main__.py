"""Run the command line as `python -m zoo`."""

from zoo.cli.entry import run

run()
