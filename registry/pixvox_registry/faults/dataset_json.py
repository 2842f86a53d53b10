"""dataset.json, as the Decathlon (arXiv:2106.05735) and nnU-Net write it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pixvox_registry.faults.content import UNREADABLE
from pixvox_registry.faults.finding import Finding, error
from pixvox_registry.faults.layout import Case, stem_of
from pixvox_registry.faults.pairing import MISSING, REPEATED

DATASET = "dataset.json"

ABSENT = error(
    "missing-file",
    "a list names a case or a file that is not there",
    "Fetch it, or take it off the list.",
)


def described(root: Path) -> tuple[dict[str, Any] | None, list[Finding]]:
    """What dataset.json holds, or None where there is none that can be read."""
    file = root / DATASET
    if not file.is_file():
        return None, []
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(held, dict):
            raise ValueError("it holds no mapping")
    except (OSError, ValueError) as fault:
        return None, [UNREADABLE.at(DATASET, str(fault))]
    return held, []


def declared_labels(described: Mapping[str, Any]) -> frozenset[int] | None:
    """``{"0": "background"}`` as the Decathlon writes them, or ``{"background": 0}`` as nnU-Net."""
    labels = described.get("labels")
    if not isinstance(labels, dict) or not labels:
        return None
    values: list[Any] = []
    for key, value in labels.items():
        values += [key] if str(key).lstrip("-").isdigit() else _flat(value)
    return frozenset(int(value) for value in values if str(value).lstrip("-").isdigit())


def listed_cases(
    described: Mapping[str, Any], there: Sequence[str]
) -> tuple[list[Case], list[Finding]]:
    """The cases of ``training`` and ``test`` in dataset.json; what is not there is left out."""
    known = set(there)
    cases, findings = [], []
    names: Counter[str] = Counter()
    for split, key in (("train", "training"), ("test", "test")):
        for entry in _entries(described, key):
            image, label = _entry(entry)
            if image is None:
                findings.append(UNREADABLE.at(DATASET, f"{key} lists {entry!r}"))
                continue
            names[stem_of(image)] += 1
            if names[stem_of(image)] > 1:
                continue
            absent = [file for file in (image, label) if file is not None and file not in known]
            if len(absent) == 1 and label is not None:
                left = next(file for file in (image, label) if file in known)
                findings.append(MISSING.at(left, f"{absent[0]} is listed and not there"))
            elif absent:
                findings.append(ABSENT.at(absent, f"{DATASET} lists it for {key}"))
            if image in known:
                labels = (label,) if label is not None and label in known else ()
                cases.append(Case(name=stem_of(image), images=(image,), labels=labels, split=split))
    findings += [
        REPEATED.at(DATASET, f"it lists {name!r} {times} times")
        for name, times in names.items()
        if times > 1
    ]
    return cases, findings


def listed_files(described: Mapping[str, Any]) -> frozenset[str]:
    """Every file that it names, there or not."""
    entries = [entry for key in ("training", "test") for entry in _entries(described, key)]
    return frozenset(file for entry in entries for file in _entry(entry) if file is not None)


def _entries(described: Mapping[str, Any], key: str) -> list[Any]:
    held = described.get(key)
    return held if isinstance(held, list) else []


def _entry(entry: Any) -> tuple[str | None, str | None]:
    """Image and label of an entry of dataset.json, which is a mapping or, for test, a name."""
    held = entry if isinstance(entry, dict) else {"image": entry}
    image, label = (
        PurePosixPath(held[key]).as_posix() if isinstance(held.get(key), str) else None
        for key in ("image", "label")
    )
    return image, label


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def has_channels(described: Mapping[str, Any]) -> bool:
    """Do volumes have a fourth axis, as the Decathlon's tasks of several modalities do?"""
    modality = described.get("modality")
    several = isinstance(modality, dict) and len(modality) > 1
    return several or described.get("tensorImageSize") == "4D"
