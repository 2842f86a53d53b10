"""Predicted label maps as files that a viewer opens over the originals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from torch import Tensor

from pixvox_registry.artifacts import publish_folder
from pixvox_registry.geometry import brought_to, restored
from pixvox_registry.scans import Scans
from pixvox_registry.volume import SUFFIXES


def save(masks: Sequence[Tensor], scans: Scans, folder: Path) -> None:
    """One file a scan, named by its id, all at once: NIfTI in 3D, PNG of label values in 2D.

    Nothing is written outside ``folder``, whatever an id says.

    A volume that was read from a NIfTI file lies on that file's own voxels, axes and affine;
    another one on canonical axes (RAS) with its spacing.
    """

    def fill(place: Path) -> None:
        for row, (mask, name) in enumerate(zip(masks, scans.ids, strict=True)):
            bare = PurePosixPath(name.removesuffix(".gz").removesuffix(".nii"))
            file = place.joinpath(*(part for part in bare.parts if part not in ("/", "..")))
            file.parent.mkdir(parents=True, exist_ok=True)
            if mask.ndim == 2:
                whole = brought_to(mask, scans.truth_of(row).mask.shape)
                _save_picture(whole, file.with_name(f"{file.name}.png"))
            else:
                original = Path(scans.files[row]) if scans.files else None
                spacing_mm = scans[row].spacing_mm
                _save_volume(mask, file.with_name(f"{file.name}.nii.gz"), original, spacing_mm)

    publish_folder(folder, fill)


def _save_picture(mask: Tensor, file: Path) -> None:
    from PIL import Image

    Image.fromarray(mask.numpy()).save(file)


def _save_volume(
    mask: Tensor, file: Path, original: Path | None, spacing_mm: tuple[float, ...] | None
) -> None:
    import nibabel

    if original is not None and original.name.lower().endswith(SUFFIXES):
        image = restored(mask.numpy(), original)
    else:
        affine = np.diag([*(spacing_mm or (1.0, 1.0, 1.0))[::-1], 1.0])
        image = nibabel.Nifti1Image(mask.numpy().transpose(2, 1, 0), affine)  # type: ignore[no-untyped-call]
    nibabel.save(image, file)
