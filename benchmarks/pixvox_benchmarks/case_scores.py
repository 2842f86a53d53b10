"""What a cell says of each test case: every score can be computed again from it."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.contracts import Metric
from pixvox_registry.errors import UserError

Columns: TypeAlias = Mapping[str, NDArray[Any]]  # by name, one row a case
DIGITS = 7  # significant: scores are computed from what the file holds


@dataclass(frozen=True, kw_only=True)
class CaseScores:
    """What one cell says of each test case.

    Args:
        ids: N case ids.
        target: N classes.
        probability: N rows of K.
        columns: N further figures by name, for metrics that name them.
    """

    ids: tuple[str, ...]
    target: tuple[int, ...]
    probability: tuple[tuple[float, ...], ...]
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def rounded(
        cls,
        ids: Sequence[str],
        target: Sequence[int],
        probability: Sequence[Sequence[float]],
        columns: Mapping[str, Sequence[float]] | None = None,
    ) -> CaseScores:
        """The values as the file will hold them; compute scores from these."""
        return cls(
            ids=tuple(ids),
            target=tuple(int(t) for t in target),
            probability=tuple(_rounded(row) for row in probability),
            columns={name: _rounded(values) for name, values in (columns or {}).items()},
        )

    def arrays(self) -> Columns:
        """``target [N], probability [N, K]`` and the columns, each ``[N]``."""
        return {
            "target": np.array(self.target, np.int64),
            "probability": np.array(self.probability, np.float64),
            **{name: np.array(values, np.float64) for name, values in self.columns.items()},
        }

    def content(self) -> bytes:
        """One case a line, so that a change is one line of a diff."""
        rows: list[list[Any]] = [
            [case, target, list(row)]
            for case, target, row in zip(self.ids, self.target, self.probability, strict=True)
        ]
        for name in sorted(self.columns):
            for row, value in zip(rows, self.columns[name], strict=True):
                row[3:] = [{**(row[3] if row[3:] else {}), name: value}]
        lines = [json.dumps(row, allow_nan=False) for row in rows]
        return ("[\n" + ",\n".join(lines) + "\n]\n").encode()

    @classmethod
    def parse(cls, content: bytes) -> CaseScores:
        """Back from a file."""
        rows = json.loads(content)
        return cls(
            ids=tuple(row[0] for row in rows),
            target=tuple(int(row[1]) for row in rows),
            probability=tuple(tuple(float(p) for p in row[2]) for row in rows),
            columns={
                name: tuple(float(row[3][name]) for row in rows)
                for name in (rows[0][3] if rows and rows[0][3:] else {})
            },
        )


def applied(metric: Metric, columns: Columns, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """A metric on the columns that it names, ``[P, N] -> [P]``.

    Raises:
        UserError: it names a column that the cases do not have.
    """
    named = inspect.signature(metric.__call__).parameters.keys() - {"weight"}
    if missing := sorted(named - columns.keys()):
        raise UserError(
            f"Metric {type(metric).__name__} wants {', '.join(missing)} of every case; the "
            f"protocol gives {', '.join(sorted(columns))}. Take it with a protocol that does."
        )
    scores: NDArray[np.float64] = metric(**{n: columns[n] for n in named}, weight=weight)
    return scores


def sha256_of(cases: CaseScores) -> str:
    """Of the per-case file."""
    return hashlib.sha256(cases.content()).hexdigest()


def _rounded(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)
