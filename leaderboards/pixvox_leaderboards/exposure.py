"""Exposure: what weights were shown of the test cases on which a row was scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pixvox_benchmarks.result import Result

UNKNOWN, SEEN = "unknown", "seen"


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Of a row: of all its seeds together.

    Args:
        state: ``seen``, ``unseen`` or ``unknown``. What nobody declared is unknown, never unseen.
        exact: how many test cases are copies of a case that was shown, of the seed with most; None
            where that is unknown.
        near: the same of those in another size, or lightly changed.
        cases: how many test cases there are.
    """

    state: str
    exact: int | None
    near: int | None
    cases: int

    @classmethod
    def of(cls, results: Sequence[Result]) -> Exposure:
        """One seed that has seen something has seen; one that nobody knows leaves it unknown."""
        told = [result.contamination or {"state": UNKNOWN} for result in results]
        states = {each["state"] for each in told}
        state = next(state for state in (SEEN, UNKNOWN, *states) if state in states)
        exact, near = (max(each.get(name, 0) for each in told) for name in ("exact", "near"))
        return cls(
            state=state,
            exact=None if state == UNKNOWN else exact,
            near=None if state == UNKNOWN else near,
            cases=results[0].n_expected,
        )
