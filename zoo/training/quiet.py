"""Silence what Lightning says on devices, processes and tips."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's messages on devices, processes and tips."""
    levels = {name: logging.getLogger(name).level for name in ("pytorch_lightning", "lightning_fabric")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            # A word on speed, of broadcast gradients.
            warnings.filterwarnings("ignore", message="Grad strides do not match")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
