"""Every fault of what lies under a path: each file read once, on all cores at hand."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pixvox_registry.console import progress
from pixvox_registry.faults.case import faults_of_case
from pixvox_registry.faults.content import UNREADABLE
from pixvox_registry.faults.dicom_series import faults_of_series
from pixvox_registry.faults.duplicates import Imprint, faults_of_copies
from pixvox_registry.faults.finding import Finding
from pixvox_registry.faults.layout import Layout
from pixvox_registry.faults.npz_file import faults_of_npz
from pixvox_registry.faults.survey import survey

Found = tuple[list[Finding], list[Imprint]]


@dataclass(frozen=True)
class Report:
    """What was found, sorted by file and code, and in how many images it was looked for."""

    findings: tuple[Finding, ...]
    images: int


def verify(path: Path, *, quiet: bool = False) -> Report:
    """Everything that can be told without a second look at the patient.

    Raises:
        UserError: nothing under the path can be verified.
    """
    layout = survey(path)
    jobs = _jobs(layout)
    findings = list(layout.findings)
    imprints: list[Imprint] = []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with warnings.catch_warnings(), ThreadPoolExecutor(cores) as pool, progress(quiet=quiet) as bar:
        warnings.simplefilter("ignore")  # of decoders; what matters becomes a finding
        task = bar.add_task("verifying", total=len(jobs))
        for found, seen in pool.map(_attempt, jobs):
            findings += found
            imprints += seen
            bar.advance(task)
        findings += faults_of_copies(imprints)
    return Report(tuple(sorted(set(findings))), len(imprints))


def _jobs(layout: Layout) -> Sequence[tuple[str, Callable[[], Found]]]:
    """The name of a file for each piece of work, and the work."""
    root = layout.root
    return [
        *((case.images[0], partial(faults_of_case, layout, case)) for case in layout.cases),
        *((file, partial(faults_of_npz, root, file)) for file in layout.archives),
        *((name, partial(faults_of_series, root, name, files)) for name, files in layout.series),
    ]


def _attempt(job: tuple[str, Callable[[], Found]]) -> Found:
    file, work = job
    try:
        return work()
    except Exception as error:  # decoders raise whatever they like on a broken file
        return [UNREADABLE.at(file, f"{type(error).__name__}: {error}")], []
