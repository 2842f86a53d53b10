"""The two kinds of jobs of a grid, as data: make weights, then measure them.

A job has a name, is callable, and has ``words``, the command that does the same elsewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pixvox_benchmarks.grid import Cell, Pretraining, Workshop
from pixvox_registry.artifacts import canonical_json, publish
from pixvox_registry.errors import UserError
from pixvox_registry.provenance import state_code


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The folder of all run folders; beside each stands where its finished weights are."""

    folder: str

    def of(self, workshop: Workshop) -> Path:
        """The run folder of a pretraining."""
        return Path(self.folder) / workshop.run_name

    def weights(self, workshop: Workshop) -> Path | None:
        """The finished weights, if they are there."""
        note = self._note(workshop)
        if not note.is_file():
            return None
        weights = Path(self.folder) / json.loads(note.read_text())["weights"]
        return weights if weights.exists() else None

    def keep(self, workshop: Workshop, weights: Path) -> None:
        """Note where finished weights are, relative to this folder where they lie in it."""
        root = Path(self.folder).resolve()
        place = weights.resolve()
        place = place.relative_to(root) if place.is_relative_to(root) else place
        publish(self._note(workshop), canonical_json({"weights": str(place)}))

    def _note(self, workshop: Workshop) -> Path:
        return Path(self.folder) / f"{workshop.run_name}.json"


@dataclass(frozen=True, kw_only=True)
class MakeJob:
    """Makes the weights of a pretraining, or goes on where a killed one stopped.

    Args:
        code: what the coordinator imported, for provenance.
    """

    pretraining: Pretraining
    runs: Runs
    threads: int
    code: Mapping[str, str]

    @property
    def name(self) -> str:
        """Of its log file."""
        return f"make-{self.pretraining.label}"

    @property
    def words(self) -> tuple[str, ...]:
        """The command that runs it."""
        return words("make", asdict(self))

    def __call__(self) -> None:
        """Runs in a process of its own."""
        take_place(self.threads, self.code)
        workshop = Workshop.of(self.pretraining)
        self.runs.keep(workshop, workshop.maker.make(workshop.order, self.runs.of(workshop)))


@dataclass(frozen=True, kw_only=True)
class MeasureJob:
    """Measures one cell and publishes its result, if what was asked still stands.

    Args:
        request: digest of what was asked when the grid was planned.
        predictions: a folder for what is outlined; empty if nobody wants it.
        code: what the coordinator imported, for provenance.
    """

    cell: Cell
    request: str
    runs: Runs
    results: str
    predictions: str
    threads: int
    code: Mapping[str, str]

    @property
    def name(self) -> str:
        """Of its log file."""
        return f"measure-{self.cell.label}"

    @property
    def words(self) -> tuple[str, ...]:
        """The command that runs it."""
        return words("measure", asdict(self))

    def __call__(self) -> None:
        """Runs in a process of its own."""
        from pixvox_benchmarks.cell import measure

        take_place(self.threads, self.code)
        workshop = Workshop.of(self.cell.pretraining)
        weights = self.runs.weights(workshop)
        if weights is None:
            raise UserError(
                f"Cell {self.cell.label} needs weights in {self.runs.of(workshop)}; none are "
                "finished there. The data or a plugin changed while the grid ran: start it again."
            )
        measure(
            self.cell,
            workshop,
            weights,
            request=self.request,
            results=Path(self.results),
            predictions=Path(self.predictions) if self.predictions else None,
        )


KINDS = {"make": MakeJob, "measure": MeasureJob}


def words(kind: str, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The command that runs a job in a process of its own, on whatever machine."""
    spelt = json.dumps({"kind": kind, **facts}, sort_keys=True)
    return (sys.executable, "-m", "pixvox_benchmarks.job", spelt)


def take_place(threads: int, code: Mapping[str, str]) -> None:
    """The cores that this process may keep busy, and the code that it says it runs."""
    import torch

    torch.set_num_threads(threads)
    state_code(code)
