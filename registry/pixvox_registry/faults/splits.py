"""Splits as splits.json or a table gives them, and what these contradict."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pixvox_registry.faults.content import UNREADABLE
from pixvox_registry.faults.dataset_json import ABSENT
from pixvox_registry.faults.finding import Fault, Finding, error
from pixvox_registry.faults.layout import Case, stem_of
from pixvox_registry.faults.pairing import MISSING, REPEATED

SPLITS = "splits.json"
TABLES = ("labels.csv", "metadata.csv", "splits.csv")
PATIENT = ("patient", "patient_id", "subject", "subject_id")
Rows = list[tuple[str, dict[str, str]]]

IN_TWO_SPLITS = error(
    "case-in-two-splits",
    "one case is listed for two splits",
    "Keep it in one.",
)
PATIENT_IN_TWO_SPLITS = error(
    "patient-in-two-splits",
    "cases of one patient lie in two splits",
    "Split by patient, not by image.",
)


def split_up(root: Path, cases: Sequence[Case]) -> tuple[list[Case], list[Finding]]:
    """Cases with the split that splits.json or a table gives them, and what these contradict."""
    tables, findings = _tables(root, cases)
    splits: dict[str, set[str]] = defaultdict(set)
    patients: dict[str, str] = {}
    for file, rows in tables.items():
        findings += _faults_of_table(file, rows, cases)
        for name, row in rows:
            if said := row.get("split"):
                splits[name].add(said)
            if patient := next((row[key] for key in PATIENT if row.get(key)), None):
                patients[name] = patient
    listed, faults = _splits(root, cases)
    for split, names in listed.items():
        for name in names:
            splits[name].add(split)
    findings += [*faults, *_two(IN_TWO_SPLITS, "case", splits)]
    placed = [
        replace(case, split=min(splits[case.name])) if splits.get(case.name) else case
        for case in cases
    ]
    by_patient: dict[str, set[str]] = defaultdict(set)
    for case in placed:
        if case.split is not None and case.name in patients:
            by_patient[patients[case.name]].add(case.split)
    return placed, [*findings, *_two(PATIENT_IN_TWO_SPLITS, "patient", by_patient)]


def _two(fault: Fault, what: str, splits: Mapping[str, set[str]]) -> list[Finding]:
    return [
        fault.at(name, f"{what} {name} is in {' and in '.join(sorted(several))}")
        for name, several in sorted(splits.items())
        if len(several) > 1
    ]


def _splits(root: Path, cases: Sequence[Case]) -> tuple[dict[str, list[str]], list[Finding]]:
    file = root / SPLITS
    if not file.is_file():
        return {}, []
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        listed = {split: [stem_of(str(name)) for name in held[split]] for split in held}
    except (OSError, ValueError, TypeError, LookupError) as fault:
        return {}, [UNREADABLE.at(SPLITS, f"it maps no splits to lists of cases: {fault}")]
    known = {case.name for case in cases}
    findings = []
    for split, names in listed.items():
        findings += [
            ABSENT.at(SPLITS, f"{split} lists {name!r}, and no such case is there")
            for name in sorted(set(names) - known)
        ]
        findings += [
            REPEATED.at(SPLITS, f"{split} lists {name!r} {times} times")
            for name, times in Counter(names).items()
            if times > 1
        ]
    return listed, findings


def _tables(root: Path, cases: Sequence[Case]) -> tuple[dict[str, Rows], list[Finding]]:
    """Rows by the case that they name, in the column where most of them do."""
    known = {case.name for case in cases}
    tables: dict[str, Rows] = {}
    findings = []
    for file in TABLES:
        if not (root / file).is_file():
            continue
        try:
            with (root / file).open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
        except (OSError, ValueError, csv.Error) as fault:
            findings.append(UNREADABLE.at(file, str(fault)))
            continue
        columns = [[stem_of(str(row[name])) for row in rows] for name in (rows[0] if rows else ())]
        names = max(columns, key=lambda names: len(known & set(names)), default=[])
        if known & set(names):
            tables[file] = list(zip(names, rows, strict=True))
    return tables, findings


def _faults_of_table(file: str, rows: Rows, cases: Sequence[Case]) -> list[Finding]:
    """labels.csv has a row for each case; other tables may say more or less."""
    if file != "labels.csv":
        return []
    counted = Counter(name for name, _ in rows)
    findings = [
        REPEATED.at(file, f"{times} rows are about {name!r}")
        for name, times in counted.items()
        if times > 1
    ]
    known = {case.name: case for case in cases}
    for name in sorted(set(counted) - set(known)):
        findings.append(MISSING.at(file, f"it has a row for {name!r}, which has no image"))
    for name in sorted(set(known) - set(counted)):
        findings.append(MISSING.at(known[name].images, f"{file} has no row for it"))
    return findings
