"""Downloads that resume, prove their checksum, and appear under their name only when whole."""

from __future__ import annotations

import fcntl
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from pixvox_registry.artifacts import digest
from pixvox_registry.errors import UserError

PIECE = 1 << 18  # bytes
TIMEOUT_S = 30.0
FRUITLESS = 4  # attempts in a row that bring nothing, before giving up

Report = Callable[[int, int | None], None]  # bytes here, bytes in all


@dataclass(frozen=True)
class Remote:
    """A file of a dataset: where it is published, where it belongs here, and its md5."""

    url: str
    file: Path
    md5: str


@runtime_checkable
class Downloadable(Protocol):
    """A source whose files are published."""

    def remotes(self) -> Sequence[Remote]:
        """The files that ``cases`` will look for."""
        ...


def fetch(url: str, file: Path, md5: str, progress: Report, *, pause_s: float = 1.0) -> None:
    """Download ``url`` to ``file``; a download that was interrupted goes on where it stopped.

    Bytes gather in ``FILE.part``, which only a right md5 turns into ``FILE``.

    Args:
        progress: called with bytes here and bytes in all (None where the server does not say).
        pause_s: between attempts after an interruption.

    Raises:
        UserError: no md5 is known, the server refuses, the connection keeps breaking, the md5 is
            wrong, or another process is downloading the same file.
    """
    if not re.fullmatch(r"[0-9a-f]{32}", md5):
        raise UserError(
            f"{url} has no known md5 ({md5!r}); a file that cannot be proved is refused."
        )
    if not url.startswith(("http://", "https://")):
        raise UserError(f"Downloads come by http or https; {url!r} came.")
    if file.exists():
        _keep_if_right(file, md5)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".part")
    with _alone(partial) as stream:
        _gather(url, stream, progress, pause_s)
        found = digest(partial, "md5")
        if found != md5:
            partial.unlink()
            raise UserError(
                f"{url} should have md5 {md5}; what came has {found}. It is refused and removed. "
                "Try again; if it comes again, the server does not hold the official file."
            )
        partial.rename(file)


def _keep_if_right(file: Path, md5: str) -> None:
    if digest(file, "md5") != md5:
        raise UserError(
            f"{file} exists and its md5 is not the official {md5}. It is left as it is; move it "
            "away to download the official file."
        )


def _gather(url: str, stream: BinaryIO, progress: Report, pause_s: float) -> None:
    """Append to ``stream`` until the server has no more, through interruptions."""
    fruitless = 0
    while True:
        before = stream.tell()
        try:
            if _append(url, stream, progress):
                return
            reason = "the connection ended early"
        except (OSError, HTTPException) as error:
            reason = str(error) or type(error).__name__
        fruitless = 0 if stream.tell() > before else fruitless + 1
        if fruitless == FRUITLESS:
            raise UserError(
                f"{url} cannot be downloaded: {reason}. {stream.tell():,} bytes are kept; the same "
                "command goes on from there."
            )
        time.sleep(pause_s)


def _append(url: str, stream: BinaryIO, progress: Report) -> bool:
    """One request for what is missing; True when all is here."""
    import urllib.error
    import urllib.request

    here = stream.tell()
    request = urllib.request.Request(url, headers={"User-Agent": "pixvox"})
    if here:
        request.add_header("Range", f"bytes={here}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and here:  # nothing is missing, or the file is another: md5 decides
            return True
        if error.code < 500 and error.code != 429:
            raise UserError(
                f"{url} is refused by its server: {error.code} {error.reason}."
            ) from None
        raise
    with response:
        if here and not _continues(response, here):
            stream.truncate(0)
            stream.seek(0)
            here = 0
        length = response.headers.get("Content-Length")
        whole = here + int(length) if length else None
        while piece := response.read(PIECE):
            stream.write(piece)
            progress(stream.tell(), whole)
    stream.flush()
    return whole is None or stream.tell() >= whole


def _continues(response: object, here: int) -> bool:
    """Does the answer begin where we asked? Some servers ignore Range and begin at 0."""
    status, headers = getattr(response, "status", 200), getattr(response, "headers", {})
    return status == 206 and str(headers.get("Content-Range", "")).startswith(f"bytes {here}-")


@contextmanager
def _alone(partial: Path) -> Iterator[BinaryIO]:
    """``partial`` opened for appending, held by this process alone."""
    with partial.open("ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Another process is downloading {partial}; wait for it.") from None
        yield stream
