"""A source on a command line that may be a bare path: the kind of source that fits what lies there.

Only where one kind fits; label maps beside images, or several kinds of files, are said back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pixvox_registry import SOURCES
from pixvox_registry.contracts import Source
from pixvox_registry.errors import NoData, UserError, suggestion
from pixvox_registry.faults.layout import VOLUMES, Layout
from pixvox_registry.faults.survey import survey
from pixvox_registry.source_spec import build_source, parse_source


def source_at(text: str, dims: int, in_channels: int) -> Source:
    """The source of a line, or the one that reads a folder of pictures, NIfTI, DICOM, or a list.

    Args:
        dims: wanted of DICOM, which holds both.
        in_channels: wanted of pictures.

    Raises:
        UserError: nothing is there, or more than one kind of source would fit; says which.
    """
    path = Path(text).expanduser()
    name = parse_source(text)[0]
    if name in SOURCES:
        return build_source(text)
    if not path.exists():
        if ":" in text:
            return build_source(text)  # says which sources there are
        raise NoData(
            f"There is no file or folder {text}, and no source of that name."
            f"{suggestion(name, SOURCES)} `pixvox list sources` lists those that there are."
        )
    if path.is_file():
        if path.suffix.lower() != ".csv":
            raise UserError(
                f"{path} is one file; a folder of images, or a CSV list of them, was wanted. Name "
                "its folder, or a source, for example medmnist:breastmnist."
            )
        return SOURCES.build("csv", str(path))
    kind = _kind(path, survey(path))
    settings: dict[str, Any] = {
        "image_folder": {"channels": in_channels},
        "dicom": {"dims": dims},
    }.get(kind, {})
    return SOURCES.build(kind, str(path), **settings)


def _kind(path: Path, found: Layout) -> str:
    """The one source that reads what was found.

    Raises:
        UserError: there is none, or more than one.
    """
    images = [file for case in found.cases for file in case.images]
    volumes = [file for file in images if file.lower().endswith(VOLUMES)]
    kinds = {
        "nifti": bool(volumes),
        "image_folder": len(volumes) < len(images),
        "dicom": bool(found.series),
        "medmnist": bool(found.archives),
    }
    fitting = [name for name, fits in kinds.items() if fits]
    labelled = any(case.labels for case in found.cases)
    if fitting in (["nifti"], ["image_folder"], ["dicom"]) and not labelled:
        return fitting[0]
    if labelled:
        masks = "nifti:PATH,images=...,masks=..." if volumes else "image_mask_folder:PATH"
        raise UserError(
            f"{path} holds label maps beside its images, and which is which must be said: write "
            f"{masks}, or name the folder of the images."
        )
    raise UserError(
        f"{path} holds what {' and '.join(fitting)} read; write the source, for example "
        f"{fitting[0]}:{'FLAG' if fitting == ['medmnist'] else path}."
    )
