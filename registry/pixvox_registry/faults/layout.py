"""Which files of a folder make up a case, before any of them is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pixvox_registry.faults.finding import Finding, warning

VOLUMES = (".nii.gz", ".nii")
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
DICOM = (".dcm", ".dicom", ".ima")
TABLES = (".json", ".csv", ".tsv", ".xls", ".xlsx", ".bval", ".bvec")
DOCUMENTS = (".txt", ".md", ".rst", ".pdf", ".yaml", ".yml", ".xml", ".html", ".bib")
BESIDE = (*TABLES, *DOCUMENTS)  # what may lie beside data
SPLITS = {
    "train": "train",
    "training": "train",
    "imagestr": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "imagests": "test",
}

STRAY = warning(
    "stray-file",
    "a file that belongs to no case: not listed, hidden, or of no kind that is known here",
    "Remove it, or list it if it was forgotten.",
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Files of one case, relative to the root; labels are maps of its images."""

    name: str
    images: tuple[str, ...]
    labels: tuple[str, ...] = ()
    split: str | None = None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What there is to verify.

    Args:
        archives: npz files.
        series: folders that hold DICOM files, and those files.
        declared: values that labels may have, or None where nobody says.
        channels_due: may a volume have a fourth axis?
    """

    root: Path
    cases: tuple[Case, ...] = ()
    archives: tuple[str, ...] = ()
    series: tuple[tuple[str, tuple[str, ...]], ...] = ()
    declared: frozenset[int] | None = None
    channels_due: bool = False
    findings: tuple[Finding, ...] = field(default=())


def stem_of(file: str) -> str:
    """
    >>> stem_of("imagesTr/brain_01.nii.gz"), stem_of("scans/a.b.png")
    ('brain_01', 'a.b')
    """
    name = Path(file).name
    for suffix in (*VOLUMES, *PICTURES):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def split_of(file: str) -> str | None:
    """The split that a folder above a file is named after.

    >>> split_of("imagesTr/brain_01.nii.gz"), split_of("scans/a.png")
    ('train', None)
    """
    parts = [part.lower() for part in Path(file).parts[:-1]]
    return next((SPLITS[part] for part in parts if part in SPLITS), None)


def files_of(root: Path) -> tuple[list[str], list[Finding]]:
    """All files, sorted, and the hidden ones as findings; hidden folders are passed over."""
    if root.is_file():
        return [root.name], []
    there = [file.relative_to(root) for file in root.rglob("*") if file.is_file()]
    seen = sorted(
        file.as_posix()
        for file in there
        if not any(part.startswith(".") for part in file.parts[:-1])
    )
    hidden = [file for file in seen if Path(file).name.startswith(".")]
    findings = [STRAY.at(file, "a hidden file") for file in hidden]
    return [file for file in seen if file not in set(hidden)], findings
