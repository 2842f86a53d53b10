"""The folder of a run: one writer at a time, one identity, a log that resumes."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from pixvox_registry.artifacts import canonical_json, publish
from pixvox_registry.errors import UserError
from pixvox_registry.provenance import provenance


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the folder alone. The kernel frees the lock of a process that dies.

    Raises:
        UserError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "lock"
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 32).decode() or "unknown"
            raise UserError(f"Process {holder} is writing to {folder} (see {file}).") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def claim(folder: Path, identity: Mapping[str, Any], *, resume: bool) -> None:
    """Write what the run is and where it began, or check that a run to be resumed is the same.

    Raises:
        UserError: the folder holds a run and ``resume`` is off, or what it holds differs: the
            differing lines are listed.
    """
    file = folder / "recipe.yaml"
    if not file.exists():
        text = yaml.safe_dump(json.loads(canonical_json(identity)), sort_keys=True, width=100)
        publish(folder / "provenance.json", canonical_json(provenance()))
        publish(file, text.encode())
        return
    if not resume:
        raise UserError(
            f"{folder} holds a run. Add --resume to go on with it, or name another --out."
        )
    held = _lines(yaml.safe_load(file.read_text()))
    wanted = _lines(json.loads(canonical_json(identity)))
    changed = [
        f"{key}: {held.get(key, 'absent')} -> {wanted.get(key, 'absent')}"
        for key in sorted({*held, *wanted})
        if held.get(key, "absent") != wanted.get(key, "absent")
    ]
    if changed:
        raise UserError(
            f"{folder} holds another run; it cannot be resumed as: {'; '.join(changed)}."
        )


class Log:
    """``log.jsonl``: a line per report, cut back to the checkpoint when a run resumes."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def rewind(self, step: int) -> None:
        """Forget what came after a step."""
        kept = [line for line in self.lines() if line["step"] <= step]
        publish(self.file, b"".join(_spell(line) for line in kept))

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one line."""
        with self.file.open("ab") as stream:
            stream.write(_spell(line))

    def lines(self) -> list[dict[str, Any]]:
        """All whole lines; a torn last one is what a kill leaves."""
        if not self.file.exists():
            return []
        lines = self.file.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]


def _spell(line: Mapping[str, Any]) -> bytes:
    return (json.dumps(line, sort_keys=True, allow_nan=False) + "\n").encode()


def _lines(value: Any, path: str = "") -> dict[str, Any]:
    """A nested mapping as dotted keys."""
    if isinstance(value, dict) and value:
        found: dict[str, Any] = {}
        for key, held in value.items():
            found |= _lines(held, f"{path}.{key}" if path else str(key))
        return found
    return {path: value}
