"""A gap: why a task, or a protocol put to it, has no number on a board."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pixvox_benchmarks.result import GAPS, Result, file_name
from pixvox_registry.artifacts import canonical_json, fingerprint, publish
from pixvox_registry.errors import UserError

SCHEMA = 1
NO_DATA, NOT_APPLICABLE = "no data", "not applicable"
STATES = (NO_DATA, NOT_APPLICABLE)


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What a board says where no result can be: ``Gap(...).write(results)``.

    Args:
        protocol: as results have it, ``linear_probe@1%``; None for whatever protocol.
        state: ``no data`` or ``not applicable``.
        why: one sentence.

    Raises:
        UserError: another state, or no reason.
    """

    task: str
    protocol: str | None
    state: str
    why: str

    def __post_init__(self) -> None:
        if self.state not in STATES or not self.why.strip() or not self.task:
            raise UserError(
                f"A gap wants a task, a state among {', '.join(STATES)}, and a reason; "
                f"{self.task!r}, {self.state!r} and {self.why!r} came."
            )

    @property
    def path(self) -> Path:
        """Where it lies below a results folder: one per task and protocol."""
        name = "every_protocol" if self.protocol is None else file_name(self.protocol)
        return Path(file_name(self.task)) / GAPS / f"{name}.json"

    def content(self) -> bytes:
        """Canonical JSON with a digest of all the rest."""
        facts = {**asdict(self), "schema": SCHEMA}
        return canonical_json({**facts, "sha256": fingerprint(facts)})

    def write(self, results: Path) -> bool:
        """Publish it below a results folder; False if it stands there already."""
        file = results / self.path
        if file.is_file() and file.read_bytes() == self.content():
            return False
        return publish(file, self.content())

    @classmethod
    def read(cls, file: Path) -> Gap:
        """Load and check.

        Raises:
            UserError: names the file and what is wrong with it.
        """
        content = file.read_bytes()
        try:
            facts: Any = json.loads(content)
        except ValueError as error:
            raise UserError(f"{file} is not a gap's JSON: {error}") from None
        names = {field.name for field in fields(cls)}
        if not isinstance(facts, dict) or facts.keys() != {*names, "schema", "sha256"}:
            raise UserError(f"{file} is no gap, which has {', '.join(sorted(names))}.")
        texts = {name: facts[name] for name in names if name != "protocol" or facts[name]}
        if any(type(text) is not str for text in texts.values()):
            raise UserError(f"{file}: everything a gap says is text; it says {texts!r:.100}.")
        gap = cls(**{name: facts[name] for name in names})
        if content != gap.content():
            raise UserError(f"{file} was edited: its content does not have the sha256 it states.")
        return gap

    def is_filled_by(self, results: Iterable[Result]) -> bool:
        """Is there a result of its task and protocol, so that there is no gap?"""
        return any(
            result.task == self.task and self.protocol in (None, result.protocol)
            for result in results
        )


def gaps_below(root: Path) -> list[Gap]:
    """All gaps below a results folder, each once, in an order that hangs on them alone.

    Raises:
        UserError: a file is damaged; it is named.
    """
    found = {Gap.read(file) for file in gap_files_below(root)}
    return sorted(found, key=lambda gap: (gap.state, gap.task, gap.protocol or "", gap.why))


def gap_files_below(root: Path) -> list[Path]:
    """The files of gaps below a folder, sorted."""
    return sorted(file for file in root.rglob("*.json") if file.parent.name == GAPS)
