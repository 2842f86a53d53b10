"""The cache as a whole: what lies in it, what is stale, and how entries go."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pixvox_registry.cache_entry import DTYPES, INDEX, claimed, content_of, open_entry
from pixvox_registry.places import cache_root

NAME = re.compile(r"[0-9a-f]{32}")
UNFINISHED = re.compile(r"\.([0-9a-f]{32})\.(?:old\.)?\w{8}")  # as publish_folder names them
OURS = frozenset({INDEX, *(f"images.{dtype}" for dtype in DTYPES)})
NEWBORN_S = 60.0  # a folder so young may belong to a writer that has not locked it yet


@dataclass(frozen=True, kw_only=True)
class Held:
    """One folder of the cache.

    Args:
        kind: of the source that wrote it, or ``resized``.
        root: what it was made from, or None where it does not say.
        files: that it was made from; 0 where it does not say.
        used: when it was last opened, in seconds since 1970.
        state: ``whole``, ``torn`` (it does not fit its index) or ``unfinished``: its writer is at
            work, was killed, or was killed while it removed it.
    """

    kind: str
    folder: Path
    root: Path | None
    files: int
    size_bytes: int
    used: float
    state: str

    @property
    def rootless(self) -> bool:
        """What it was made from is gone."""
        return self.root is not None and not self.root.exists()

    @property
    def stale(self) -> bool:
        """Of no use to anybody."""
        return self.state != "whole" or self.rootless


def held() -> list[Held]:
    """All entries, the least recently used first.

    Whatever does not look like an entry is no part of the cache, and is left out.
    """
    found = [_looked_at(folder) for folder in cache_root().glob("*/*")]
    return sorted(filter(None, found), key=lambda one: (one.used, one.folder))


def is_ours(folder: Path) -> bool:
    """A folder that is named as entries are and holds nothing that entries do not hold."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    if NAME.fullmatch(folder.name):
        names = {file.name for file in folder.iterdir()}
        return bool(names) and names <= OURS
    if match := UNFINISHED.fullmatch(folder.name):
        return all(
            file.name in OURS or (file.name == match[1] and is_ours(file))
            for file in folder.iterdir()
        )
    return False


def clear(
    entries: Sequence[Held], *, limit_bytes: float | None = None, dry_run: bool = False
) -> dict[Held, bool]:
    """Remove entries in their order, all or until the rest fits in ``limit_bytes``.

    Returns those whose turn came, and of each whether it went.

    Args:
        dry_run: find out, and remove nothing.
    """
    total, went = sum(one.size_bytes for one in entries), {}
    for one in entries:
        if limit_bytes is not None and total <= limit_bytes:
            break
        went[one] = remove(one, dry_run=dry_run)
        total -= one.size_bytes if went[one] else 0
    return went


def remove(one: Held, *, dry_run: bool = False) -> bool:
    """Take an entry away; False where somebody reads or writes it, and it is left.

    It loses its name in one step, so nobody ever sees half of it; who opens it just then keeps
    what was opened.
    """
    unfinished = one.state == "unfinished"
    unlocked = one.size_bytes == 0 or ".old." in one.folder.name
    if unfinished and unlocked and time.time() - one.used < NEWBORN_S:
        return False
    try:
        place = one.folder if unfinished else content_of(one.folder)
    except FileNotFoundError:  # an index alone, which nobody can read
        place = one.folder
    try:
        with claimed(place) as alone:
            if alone and not dry_run:
                _discard(one.folder)
    except FileNotFoundError:  # another process was quicker
        return False
    return alone


def _discard(folder: Path) -> None:
    if folder.name.startswith("."):  # nobody looks for it
        shutil.rmtree(folder)
        return
    trash = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    try:
        folder.replace(trash / folder.name)
    finally:
        shutil.rmtree(trash)


def _looked_at(folder: Path) -> Held | None:
    """None where it is no entry, or went away meanwhile."""
    try:
        if not is_ours(folder):
            return None
        states = [file.stat() for file in folder.rglob("*") if file.is_file()]
        used = max(state.st_mtime for state in [folder.stat(), *states])
    except FileNotFoundError:
        return None
    entry = None if folder.name.startswith(".") else open_entry(folder, stamp=False)
    about = {} if entry is None else entry.about
    return Held(
        kind=folder.parent.name,
        folder=folder,
        root=Path(about["root"]) if "root" in about else None,
        files=len(about.get("files", ())),
        size_bytes=sum(state.st_size for state in states),
        used=used,
        state="unfinished" if folder.name.startswith(".") else "whole" if entry else "torn",
    )
