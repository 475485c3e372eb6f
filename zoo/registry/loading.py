"""Name the plugin that is being loaded, also if its import ends the process.

A plugin that calls `os._exit`, crashes or never returns takes the command down before Python can print anything. So a small shell
process waits beside it: it knows which plugin is being loaded, and prints that when this process has gone.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SHELL = "/bin/sh"
END = "."
"""The line that ends the shell process."""
SCRIPT = f"""
trap '' INT TERM HUP QUIT
message=
while IFS= read -r line; do
    [ "$line" = {END} ] && exit
    message=$line
done
[ -z "$message" ] || printf '%s\\n' "$message" >&2
"""


class LoadingWatch:
    """Names the plugin that is being loaded if the process ends; the shell process starts with the first plugin."""

    def __init__(self) -> None:
        self._shell: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LoadingWatch:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the shell process."""
        if self._shell is not None:
            self._tell(END)
            self._shell.communicate()

    @contextmanager
    def load(self, distribution: str, version: str) -> Iterator[None]:
        """Name a plugin if the process ends, or is interrupted, within this block.

        Raises:
            KeyboardInterrupt: The user interrupted the import, or the plugin raised it; the message names the plugin.
        """
        plugin = f"the plugin {distribution} {version}"
        without = "without --plugin" if version == "file" else f"with ZOO_DISABLE_PLUGINS={distribution}"
        self._begin(f"zoo: the process ended while it loaded {plugin}. Fix or update the plugin, or run {without}.")
        try:
            yield
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(f" while it loaded {plugin}. To leave the plugin out, run {without}") from error
        finally:
            self._tell("")

    def _begin(self, message: str) -> None:
        """Give the shell process a message, and start it if needed; on a system without one, do nothing."""
        if self._shell is None:
            with suppress(OSError):
                self._shell = subprocess.Popen(
                    [SHELL, "-c", SCRIPT],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,  # neither Ctrl-C nor the end of the terminal reach it
                )
        self._tell(" ".join(message.split()))

    def _tell(self, line: str) -> None:
        """Write a line to the shell process."""
        if self._shell is not None and self._shell.stdin is not None:
            with suppress(OSError):
                self._shell.stdin.write(line.encode() + b"\n")
                self._shell.stdin.flush()
