"""Silence for a reader that warns of every value that breaks a standard."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unwarned() -> Iterator[None]:
    """pydicom warns of each odd header; what matters becomes an error.

    It is put around the threads that read, and not into them: filters belong to the process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
