"""The entry point of the command `zoo`. It handles Ctrl-C even during imports."""

import sys

INTERRUPTED = 130
"""The exit code of a command interrupted by Ctrl-C."""


def run() -> None:
    """Run the command line."""
    try:
        from zoo.cli.main import main

        main(prog_name="zoo")
    except KeyboardInterrupt as error:
        sys.stderr.write(f"\nzoo: interrupted{error}.\n")
        sys.exit(INTERRUPTED)
