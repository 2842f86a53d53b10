"""Every fault of one case: of its images, of its label maps, and between them."""

from __future__ import annotations

from functools import partial
from typing import Any

from numpy.typing import NDArray

from pixvox_registry.faults.content import Content
from pixvox_registry.faults.duplicates import Imprint, marks_of
from pixvox_registry.faults.finding import Finding, Unsound
from pixvox_registry.faults.grid import SHAPE, faults_between_grids
from pixvox_registry.faults.labels import faults_of_label
from pixvox_registry.faults.layout import VOLUMES, Case, Layout
from pixvox_registry.faults.nifti_file import read_nifti
from pixvox_registry.faults.picture_file import read_picture_file
from pixvox_registry.faults.values import faults_of_contrast, faults_of_values


def faults_of_case(layout: Layout, case: Case) -> tuple[list[Finding], list[Imprint]]:
    """Each file is read once; an imprint for each image that can be compared."""
    findings: list[Finding] = []
    imprints: list[Imprint] = []
    first: Content | None = None
    for file in (*case.images, *case.labels):
        label = file in case.labels
        try:
            content = read_content(layout, file, label=label)
        except Unsound as unsound:
            findings.append(unsound.finding)
            continue
        findings += [*content.findings, *faults_of_values(content)]
        if label:
            findings += faults_of_label(content, layout.declared)
        else:
            findings += faults_of_contrast(content)
            imprints += _imprints(layout, case, content)
        if first is None:
            first = content
        else:
            findings += faults_between(first, content)
    return findings, imprints


def read_content(layout: Layout, file: str, *, label: bool = False) -> Content:
    """
    Raises:
        Unsound: the file cannot be read to its end.
    """
    if file.lower().endswith(VOLUMES):
        return read_nifti(layout.root, file, channels_due=layout.channels_due and not label)
    return read_picture_file(layout.root, file, label=label)


def faults_between(image: Content, other: Content) -> list[Finding]:
    """Shape first: where it differs, nothing else of the grids can be compared."""
    if image.sides != other.sides:
        its, sides = (" x ".join(map(str, content.sides)) for content in (other, image))
        return [SHAPE.at((other.file, image.file), f"it is {its}, the image {sides}")]
    if image.grid is None or other.grid is None:
        return []
    return faults_between_grids(image.file, image.grid, other.file, other.grid)


def _imprints(layout: Layout, case: Case, content: Content) -> list[Imprint]:
    images = _comparable(content)[None]
    if images.dtype.kind not in "iufb" or not images.size or images.ndim <= content.dims:
        return []
    return [
        Imprint(
            where=content.file,
            split=case.split,
            sides=content.sides,
            dims=content.dims,
            marks=marks_of(images, content.dims)[0],
            load=partial(_again, layout, content.file),
        )
    ]


def _again(layout: Layout, file: str) -> NDArray[Any]:
    return _comparable(read_content(layout, file))


def _comparable(content: Content) -> NDArray[Any]:
    """What is stored, upside down where the slope is negative."""
    return content.stored if content.slope > 0 else -content.stored.astype(float)
