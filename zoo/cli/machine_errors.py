"""Errors of the machine as sentences: too little memory, output that cannot be written, a file that cannot be read."""

import errno

_MEMORY = (
    "failed to map segment",
    "cannot allocate memory",
    "can't allocate memory",
    "not enough memory",
    "can't start new thread",
    "out of memory",
    "bad_alloc",
)
"""What libraries write where Python would raise a `MemoryError`."""


def explain(error: BaseException) -> str | None:
    """Return what an error of the machine means and what to do; None for another error."""
    text = str(error)
    if isinstance(error, MemoryError) or any(words in text.lower() for words in _MEMORY):
        return (
            f"there is not enough memory ({_first_line(text) or 'an allocation failed'}). Free some, raise the limit of this "
            "process (ulimit -v), or use fewer data."
        )
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.ENOMEM:
        return "there is not enough memory. Free some, or raise the limit of this process (ulimit -v)."
    if error.filename is None:
        return f"the output cannot be written: {error.strerror or error}. Free some space, or write it elsewhere."
    return f"{error.filename}: {error.strerror or error}."


def _first_line(text: str) -> str:
    """Return the first line of an error message, without its end."""
    line = text.strip().partition("\n")[0].rstrip(". ")
    return line if len(line) <= 200 else f"{line[:200]}..."
