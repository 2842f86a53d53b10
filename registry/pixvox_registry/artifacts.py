"""Files that are either whole or absent: canonical JSON, digests, atomic publishing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> bytes:
    """The one spelling of a value: sorted keys, two blanks, a last newline, no NaN.

    >>> canonical_json({"b": 1, "a": [0.5]}).decode().split()
    ['{', '"a":', '[', '0.5', '],', '"b":', '1', '}']
    """
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return (text + "\n").encode()


def fingerprint(value: Any) -> str:
    """sha256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def digest(file: Path, algorithm: str = "sha256") -> str:
    """Hex digest of a file, read in pieces."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def publish(file: Path, content: bytes, *, replace: bool = True) -> bool:
    """Write a file so that readers see all of it or none, whatever kills the writer.

    Returns False, and leaves what is there, if ``replace`` is off and the file exists.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        if replace:
            temporary.replace(file)
        else:
            os.link(temporary, file)
        _settle(file.parent)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def publish_folder(folder: Path, fill: Callable[[Path], None]) -> bool:
    """Let ``fill`` write into a temporary folder, then give it its final name in one step.

    An older folder of that name is replaced; at no time is a partial one visible. Returns False,
    and leaves what is there, if another process took the name while ``fill`` was writing.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    older = folder.exists()
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        fill(temporary)
        for file in sorted(temporary.rglob("*")):
            if file.is_file():
                with file.open("rb") as stream:
                    os.fsync(stream.fileno())
        temporary.chmod(0o755)
        mine = _replace(folder, temporary) if older else _name(folder, temporary)
        _settle(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return mine


def _replace(folder: Path, temporary: Path) -> bool:
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    with suppress(FileNotFoundError):  # another process has set it aside
        folder.replace(old / folder.name)
    mine = _name(folder, temporary)
    shutil.rmtree(old)
    return mine


def _name(folder: Path, temporary: Path) -> bool:
    """Rename, unless a full folder bears the name: the kernel then refuses, whoever is quicker."""
    try:
        temporary.replace(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _settle(folder: Path) -> None:
    """Make a rename survive a power cut: the folder's entry is synced too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
