"""What a cell says of each test case: every score can be computed again from it."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.errors import UserError
from pixvox_registry.measuring import Metric

Columns: TypeAlias = Mapping[str, NDArray[Any]]  # by name, one row a case
Figures: TypeAlias = float | tuple[float, ...]  # one of a case, or one of each structure
Target: TypeAlias = int | tuple[int, ...]  # the class of a case, or 0 or 1 for each label
DIGITS = 7  # significant: scores are computed from what the file holds


@dataclass(frozen=True, kw_only=True)
class CaseScores:
    """What one cell says of each test case.

    Args:
        ids: N case ids.
        patients: of the cases, where some patient has several; intervals are over patients then.
        target: N classes, or N rows of L labels; none where neither is asked for.
        probability: N rows of K or L, as far as there are classes or labels.
        columns: N further figures, or rows of S, by name, for metrics that name them. NaN says
            that there is nothing to score.
    """

    ids: tuple[str, ...]
    target: tuple[Target, ...] = ()
    probability: tuple[tuple[float, ...], ...] = ()
    columns: Mapping[str, tuple[Figures, ...]] = field(default_factory=dict)
    patients: tuple[str, ...] = ()

    @classmethod
    def rounded(
        cls,
        ids: Sequence[str],
        target: Sequence[int | Sequence[int]] = (),
        probability: Sequence[Sequence[float]] = (),
        columns: Mapping[str, Sequence[float | Sequence[float]]] | None = None,
        *,
        patients: Sequence[str] | None = None,
    ) -> CaseScores:
        """The values as the file will hold them; compute scores from these.

        Args:
            patients: of the cases, or None where nobody says.
        """
        return cls(
            ids=tuple(ids),
            target=tuple(_whole(told) for told in target),
            probability=tuple(_rounded(row) for row in probability),
            columns={
                name: tuple(_rounded(v) if isinstance(v, Sequence) else _short(v) for v in values)
                for name, values in (columns or {}).items()
            },
            patients=tuple(patients) if patients and len(set(patients)) < len(patients) else (),
        )

    def arrays(self) -> Columns:
        """Columns ``[N]`` or ``[N, S]``; of classes ``target [N]`` and ``probability [N, K]``.

        Of labels both are ``[N, L]``.
        """
        classes = {
            "target": np.array(self.target, np.int64),
            "probability": np.array(self.probability, np.float64),
        }
        columns = {name: np.array(values, np.float64) for name, values in self.columns.items()}
        return {**(classes if self.target else {}), **columns}

    def content(self) -> bytes:
        """One case a line, ``[id, class or labels, probabilities, figures]``, what it has of them.

        So a change is one line of a diff. Figures that do not apply are null. Where a patient has
        several cases, ``[id, patient]`` stands for the id.
        """
        rows: list[list[Any]] = [[case] for case in self.ids]
        if self.patients:
            rows = [[list(named)] for named in zip(self.ids, self.patients, strict=True)]
        if self.target:
            for row, target, told in zip(rows, self.target, self.probability, strict=True):
                row += [target, list(told)]
        if self.columns:
            for row, figures in zip(rows, self._by_case(), strict=True):
                row.append(figures)
        lines = [json.dumps(row, allow_nan=False) for row in rows]
        return ("[\n" + ",\n".join(lines) + "\n]\n").encode()

    @classmethod
    def parse(cls, content: bytes) -> CaseScores:
        """Back from a file.

        Raises:
            ValueError: NaN or infinity; nothing that applies has such a figure.
        """
        rows = json.loads(content, parse_constant=_refuse)
        named = [row[0] if isinstance(row[0], list) else [row[0]] for row in rows]
        classes = [row[1:3] for row in rows if len(row) > 2]
        figures = [row[-1] for row in rows if isinstance(row[-1], dict)]
        return cls(
            ids=tuple(case for case, *_ in named),
            target=tuple(_whole(target) for target, _ in classes),
            probability=tuple(tuple(float(p) for p in told) for _, told in classes),
            columns={
                name: tuple(_applying(told[name]) for told in figures)
                for name in (figures[0] if figures else {})
            },
            patients=tuple(patient for _, *told in named for patient in told),
        )

    def _by_case(self) -> list[dict[str, Any]]:
        names = sorted(self.columns)
        return [
            {name: _or_null(self.columns[name][row]) for name in names}
            for row in range(len(self.ids))
        ]


def _refuse(constant: str) -> None:
    raise ValueError(f"it holds {constant}")


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


def strata_of(metric: Metric, columns: Columns) -> NDArray[np.int64] | None:
    """``[N]`` classes, where the metric wants cases to be drawn within class.

    Labels of which several may hold part cases into no classes: there all are drawn alike.
    """
    stratified = metric.stratified and columns["target"].ndim == 1
    return columns["target"] if stratified else None


def sha256_of(cases: CaseScores) -> str:
    """Of the per-case file."""
    return hashlib.sha256(cases.content()).hexdigest()


def _whole(told: int | Sequence[int]) -> Target:
    return tuple(int(label) for label in told) if isinstance(told, Sequence) else int(told)


def _rounded(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(_short(value) for value in values)


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _or_null(figures: Figures) -> Any:
    """NaN as JSON has it: not at all."""
    if isinstance(figures, tuple):
        return [_or_null(figure) for figure in figures]
    return None if math.isnan(figures) else figures


def _applying(told: Any) -> Figures:
    if isinstance(told, list):
        return tuple(float("nan") if figure is None else float(figure) for figure in told)
    return float("nan") if told is None else float(told)
