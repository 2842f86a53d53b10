"""What stands behind a row: the time of its pretraining, on which machine, and how many labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeAlias

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.reading import Reading

NO_ACCELERATOR = ("", "none", "unknown")


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Of a row: of all its seeds together. What some seed does not tell is unknown.

    Args:
        seconds: of pretraining, by the clock, the mean over the seeds that ran on the machine; 0
            where weights were drawn and nothing was trained; None where it is unknown.
        machine: on which more than half of the seeds ran: the accelerator, else the processor and
            its threads; seconds of two machines do not compare. Nothing where there is none such.
        memory_mb: the most that pretraining held, of the seed with most.
        labels: training cases whose labels the protocol learnt from, the mean over seeds.
        weights: sha256 of the weights, by seed.
    """

    seconds: float | None = None
    machine: str = ""
    memory_mb: float | None = None
    labels: int | None = None
    weights: tuple[str, ...] = ()

    @classmethod
    def of(cls, results: Sequence[Result]) -> Effort:
        """What provenance says of the results of one row."""
        runs = [result.provenance.get("weights", {}) for result in results]
        machine, count = Counter(map(machine_of, runs)).most_common(1)[0]
        seconds = _numbers(
            0 if run.get("images_per_second") == 0 else run.get("wall_seconds")
            for run in runs
            if machine_of(run) == machine
        )
        memory = _numbers(run.get("peak_memory_mb") for run in runs)
        labels = _numbers(result.provenance.get("labelled_cases") for result in results)
        comparable = machine != "" and count > len(runs) / 2
        return cls(
            seconds=round(fmean(seconds), 1) if seconds and comparable else None,
            machine=machine if comparable else "",
            memory_mb=max(memory) if memory else None,
            labels=round(fmean(labels)) if labels else None,
            weights=tuple(
                result.weights_sha256
                for result, run in zip(results, runs, strict=True)
                if "wall_seconds" in run  # else the protocol drew weights of its own
            ),
        )


Efforts: TypeAlias = Mapping[tuple[str, ...], Effort]  # by the keys of a row
UNKNOWN = Effort()


def efforts(panels: Iterable[Panel], readings: Iterable[Reading]) -> Efforts:
    """The effort of every row."""
    results = {reading.result.key: reading.result for reading in readings}
    return {
        row.keys: Effort.of([results[key] for key in row.keys])
        for panel in panels
        for row in panel.rows
    }


def labels_of(panel: Panel, known: Efforts) -> int | None:
    """How many labelled cases every row of today learnt from; None where one does not tell."""
    told = [known.get(row.keys, UNKNOWN).labels for row in panel.rows if not row.is_stale]
    counts = [count for count in told if count is not None]
    return round(fmean(counts)) if counts and len(counts) == len(told) else None


def machine_of(run: Mapping[str, Any]) -> str:
    """What ran a pretraining, as far as seconds hang on it.

    >>> machine_of({"accelerator": "none", "processor": "AMD EPYC", "threads": 1})
    'AMD EPYC, 1 thread'
    >>> machine_of({"accelerator": "NVIDIA H200", "processor": "AMD EPYC", "threads": 16})
    'NVIDIA H200'
    """
    accelerator = str(run.get("accelerator", ""))
    if accelerator not in NO_ACCELERATOR:
        return accelerator
    processor, threads = str(run.get("processor", "")), run.get("threads")
    if not processor or not threads:
        return ""
    return f"{processor}, {threads} thread{'s' if threads != 1 else ''}"


def _numbers(told: Iterable[Any]) -> list[float]:
    """All of them, or none where one is no number from 0."""
    values = list(told)
    known = all(type(value) in (int, float) and value >= 0 for value in values)
    return [float(value) for value in values] if known else []
