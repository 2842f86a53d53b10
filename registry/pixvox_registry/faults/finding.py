"""A fault is what may be wrong with data; a finding is where it was seen, with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One fault in one case.

    Args:
        files: relative to what is verified; the first one is at fault.
        text: a sentence with the numbers.
    """

    files: tuple[str, ...]
    code: str
    severity: str
    text: str
    hint: str


@dataclass(frozen=True)
class Fault:
    """A kind of fault: its code, how bad it is, what it means and what to do."""

    code: str
    severity: str
    meaning: str
    hint: str

    def at(self, files: str | Sequence[str], text: str) -> Finding:
        """It was seen in these files."""
        named = (files,) if isinstance(files, str) else tuple(files)
        return Finding(
            files=named, code=self.code, severity=self.severity, text=text, hint=self.hint
        )


class Unsound(Exception):
    """A file of which nothing further can be said."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


_KNOWN: dict[str, Fault] = {}


def error(code: str, meaning: str, hint: str) -> Fault:
    """A fault that must be mended before training or scoring."""
    return _declared(Fault(code, ERROR, meaning, hint))


def warning(code: str, meaning: str, hint: str) -> Fault:
    """A fault that somebody should look at, and may mean to keep."""
    return _declared(Fault(code, WARNING, meaning, hint))


def known_faults() -> Mapping[str, Fault]:
    """By code, sorted; of those families that are imported."""
    return dict(sorted(_KNOWN.items()))


def _declared(fault: Fault) -> Fault:
    if _KNOWN.setdefault(fault.code, fault) != fault:
        raise ValueError(f"two faults bear the code {fault.code}")
    return fault
