"""VinDr-CXR: findings in chest radiographs, as radiologists voted (arXiv:2012.15029)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.case_list import CaseList
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, folder_of, some
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.picture_list import Pictures, is_picture
from pixvox_registry.places import data_root
from pixvox_registry.source_spec import spell_source
from pixvox_registry.unwarned import unwarned

FINDINGS = (
    "Aortic enlargement",
    "Atelectasis",
    "Calcification",
    "Cardiomegaly",
    "Consolidation",
    "ILD",
    "Infiltration",
    "Lung Opacity",
    "Nodule/Mass",
    "Other lesion",
    "Pleural effusion",
    "Pleural thickening",
    "Pneumothorax",
    "Pulmonary fibrosis",
)


@SOURCES.register
class VinDrCxr:
    """Radiographs of ``$PIXVOX_DATA/vindr-cxr`` with the 14 findings of the VinBigData challenge.

    There lie ``train`` and ``test``, DICOM as PhysioNet has them or pictures of the same names, and
    ``annotations/image_labels_train.csv`` and ``..._test.csv``. A finding holds where more than
    half of an image's readers saw it: three read each image of train, the test has their consensus.
    Source line: ``vindr_cxr,image_size=224``.

    Args:
        image_size: side of the squares in pixels.
    """

    dims: int = 2
    splits: tuple[str, ...] = ("train", "test")
    findings: tuple[str, ...] = FINDINGS

    def __init__(self, *, image_size: int = 64) -> None:
        self.image_size = image_size

    @property
    def name(self) -> str:
        """As written on the command line."""
        return spell_source("vindr_cxr", "", {"image_size": self.image_size}, VinDrCxr)

    def cases(self, split: str) -> Cases:
        """``[N, 1, H, W]`` uint8 with a label for each of ``FINDINGS``; patients are not published.

        Raises:
            NoData: the folder or a list is not there.
            UserError: the list lacks a finding, or an image that it names is missing.
        """
        votes = self._votes(split)
        labels = (torch.stack(list(votes.values())) > 0.5).long()  # [N, 14]
        return Cases(
            images=self._decoded(split).stored,
            ids=tuple(votes),
            labels={finding: labels[:, place] for place, finding in enumerate(FINDINGS)},
        )

    def facts(self) -> Mapping[str, Any]:
        """The digest covers pixels, names and what readers saw."""
        parts = [
            [self._decoded(split).sha256, {k: v.tolist() for k, v in self._votes(split).items()}]
            for split in self.splits
        ]
        return {
            "dataset": "vindr_cxr",
            "version": "1.0.0",
            "licence": "PhysioNet Credentialed Health Data License 1.5.0",
            "verified": False,
            "sha256": fingerprint(parts),
        }

    @property
    def _root(self) -> Path:
        return folder_of(str(data_root() / "vindr-cxr"), "vindr_cxr")

    def _votes(self, split: str) -> dict[str, Tensor]:
        """``{image: [14]}``, the share of its readers who saw each finding, in the list's order."""
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        listed = CaseList.read(self._root / "annotations" / f"image_labels_{split}.csv")
        seen = torch.tensor([listed.numbers(finding, highest=1) for finding in FINDINGS])  # [14, R]
        rows = defaultdict(list)
        for row, image in enumerate(listed.column("image_id")):
            rows[image].append(row)
        return {image: seen[:, places].double().mean(1) for image, places in rows.items()}

    def _decoded(self, split: str) -> Decoded:
        folder = folder_of(str(self._root / split), "vindr_cxr")
        there = {
            file.stem: f"{split}/{file.name}"
            for file in sorted(folder.iterdir())
            if is_picture(file.name)
        }
        named = tuple(self._votes(split))
        if lost := [image for image in named if image not in there]:
            raise UserError(
                f"{folder} lacks {some(lost)}, which the list of {split} names; an image is called "
                "NAME.dicom or, as a picture, NAME.png. Download it, or take its rows out."
            )
        pictures = Pictures(
            kind="vindr_cxr",
            root=self._root,
            ids=named,
            files=tuple(there[image] for image in named),
            drawn=None,
            labels="values",
            channels=1,
        )
        with unwarned():
            return pictures.images(self.image_size)
