"""MM-WHS 2017 as tasks: the whole heart in CT and MR (Zhuang et al., MedIA 2019)."""

from __future__ import annotations

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES

STORED = {
    "myocardium of the left ventricle": (205,),
    "left atrium": (420, 421),  # 421 is a slip for 420 in published label maps
    "left ventricle": (500,),
    "right atrium": (550,),
    "right ventricle": (600,),
    "ascending aorta": (820,),
    "pulmonary artery": (850,),
}


def whole_heart_task(name: str, modality: str, *, structures: tuple[str, ...]) -> SegmentationTask:
    """The 20 labelled volumes of ``$PIXVOX_DATA/mmwhs/{modality}_train`` at 1.5 mm.

    Args:
        name: also that of its committed list of splits.
        modality: ``ct`` or ``mr``.
        structures: some of ``STORED``; the others are background.
    """
    wanted = {
        stored: 1 + structures.index(structure) if structure in structures else 0
        for structure, labels in STORED.items()
        for stored in labels
    }
    return SegmentationTask(
        name=name,
        source=SOURCES.build(
            "nifti",
            f"mmwhs/{modality}_train",
            volume_size=96,
            spacing_mm=1.5,
            modality=modality,
            splits=name,
            image_suffix="_image",
            mask_suffix="_label",
            labels=wanted,
            patient="([0-9]+)$",
        ),
        structures=structures,
        patch_size=64,
        licence="MM-WHS terms: registration, research only",
        units="patient",
        flips=(),  # the heart lies on the left
    )
