"""Run the command line as `python -m zoo`."""

from zoo.cli.main import main

main(prog_name="zoo")
