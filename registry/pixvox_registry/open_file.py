"""An open file of the cache: read by place, and safe from whoever cleans."""

from __future__ import annotations

import fcntl
import os
import weakref
from contextlib import suppress
from pathlib import Path

from pixvox_registry.errors import UserError


class OpenFile:
    """A file that is read by place; it may lose its name, and its bytes stay until it is closed.

    While it is open it is locked, shared with all other readers, so that who cleans sees it in use.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._descriptor = os.open(file, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)
        with suppress(OSError):  # some file systems lock nothing, and an open file is safe without
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)

    @property
    def size(self) -> int:
        """Bytes."""
        return os.fstat(self._descriptor).st_size

    def read(self, start: int, into: memoryview) -> None:
        """Fill ``into`` with the bytes from ``start`` on.

        Raises:
            UserError: the file ends before.
        """
        while len(into):  # the kernel hands out 2 GiB at most
            count = os.preadv(self._descriptor, [into], start)
            if not count:
                raise UserError(
                    f"{self.file} ends at byte {start}, and more was wanted: it was cut while it "
                    "was read. Remove it with `pixvox data cache --clean`, and begin anew."
                )
            start, into = start + count, into[count:]
