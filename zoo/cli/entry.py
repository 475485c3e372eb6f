"""The command `zoo` as the shell starts it: an interruption ends it with a line also while it is still being imported."""

import sys

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended."""


def run() -> None:
    """Run the command that was typed."""
    try:
        from zoo.cli.main import main

        main(prog_name="zoo")
    except KeyboardInterrupt:
        sys.stderr.write("\nzoo: interrupted.\n")
        sys.exit(INTERRUPTED)
