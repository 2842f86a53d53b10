"""Every source says with one kind of error that its data is not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixvox_registry import SOURCES
from pixvox_registry.errors import NoData, UserError
from pixvox_registry.source_spec import build_source

LINES = {
    "csv": "csv:nowhere/list.csv",
    "dicom": "dicom:nowhere",
    "image_folder": "image_folder:nowhere",
    "image_mask_folder": "image_mask_folder:nowhere",
    "isic2017": "isic2017",
    "medmnist": "medmnist:breastmnist",
    "msd": "msd:Task09_Spleen",
    "nifti": "nifti:nowhere",
}
MADE = {"phantoms"}


@pytest.fixture(autouse=True)
def nothing_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", sorted(LINES))
def test_data_that_is_not_at_hand_is_no_data(name: str) -> None:
    source = build_source(LINES[name])
    for asked in (lambda: source.cases("train"), source.facts):
        with pytest.raises(NoData):
            asked()


def test_the_sources_of_this_room_are_all_asked() -> None:
    assert {*LINES, *MADE} <= set(SOURCES)


def test_a_folder_without_images_is_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as refusal:
        build_source("nifti:empty").cases("train")
    assert not isinstance(refusal.value, NoData)
