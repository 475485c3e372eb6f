"""SIGTERM and SIGHUP end a command as Ctrl-C does: finished runs make a report, and files are complete or absent."""

import os
import signal
from types import FrameType


class Signals:
    """The signals that end a command, and the one that was received."""

    def __init__(self) -> None:
        self._received: signal.Signals | None = None
        self._process = os.getpid()

    def install(self) -> None:
        """Turn the signals into `KeyboardInterrupt`. One that the caller ignores, as `nohup` does, stays ignored."""
        for number in _others():
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._receive)

    def restore(self) -> None:
        """Undo `install`."""
        for number in _others():
            if signal.getsignal(number) == self._receive:
                signal.signal(number, signal.SIG_DFL)

    @property
    def exit_code(self) -> int:
        """The exit code of an interrupted command: 128 and the number of the signal, as a shell reports it."""
        return 128 + (self._received or signal.SIGINT)

    @property
    def sentence(self) -> str:
        """What happened, for a message."""
        return "interrupted" if self._received is None else f"ended by {self._received.name}"

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Interrupt the command. A second SIGTERM ends the process at once; more SIGHUPs have no effect.

        Raises:
            KeyboardInterrupt: Always, except in a forked process, which just ends.
        """
        if os.getpid() != self._process:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self._received = signal.Signals(number)
        for other in _others():
            signal.signal(other, signal.SIG_DFL if other is signal.SIGTERM else signal.SIG_IGN)
        raise KeyboardInterrupt


def _others() -> list[signal.Signals]:
    """Return the signals besides SIGINT, which Python turns into `KeyboardInterrupt` itself. Windows has no SIGHUP."""
    return [number for number in signal.Signals if number.name in ("SIGTERM", "SIGHUP")]
