"""BraTS 2018: the whole of a glioma in MR of four sequences (arXiv:1811.02629)."""

from pixvox_benchmarks.ruled import Ruled
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def brats2018_whole_tumour() -> SegmentationTask:
    """171 / 43 / 71 of 285 patients with labels, whose names decide; T1, T1 contrast, T2, FLAIR.

    Below ``$PIXVOX_DATA/brats2018`` lie HGG and LGG, a folder per patient. Labels 1, 2 and 4 are
    the whole tumour.
    """
    return SegmentationTask(
        name="brats2018_whole_tumour",
        source=Ruled(
            SOURCES.build(
                "nifti",
                "brats2018",
                volume_size=96,
                spacing_mm=2.0,
                image_suffix="_",
                channels="t1,t1ce,t2,flair",
                mask_suffix="_seg",
                labels={1: 1, 2: 1, 4: 1},
                patient="([^/]+)$",
            ),
            rule="brats2018",
        ),
        structures=("whole tumour",),
        patch_size=64,
        licence="BraTS terms: registration, research only",
        units="patient",
        flips=(2,),  # a tumour lies on either side, and the brain mirrors itself
    )
