"""``pixvox data verify``: which files make up a case, what is missing, twice or in two splits."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixvox_registry.faults.pairing import paired
from pixvox_registry.faults.verify import verify

DATA = Path(os.environ.get("PIXVOX_DATA", "/nowhere"))


def found(path: Path) -> dict[str, list[str]]:
    """``{code: files at fault}``."""
    codes: dict[str, list[str]] = {}
    for finding in verify(path, quiet=True).findings:
        codes.setdefault(finding.code, []).append(finding.files[0])
    return codes


@pytest.mark.parametrize(
    ("name", "images", "labels"),
    [
        ("a", "images/a.png", "masks/a.png"),
        ("a", "imagesTr/a.nii.gz", "labelsTr/a.nii"),
        ("a", "x/images/s1/a.png", "x/labels/s1/a.tif"),
        ("a", "a.png", "masks/a.png"),
        ("a", "images/a.jpg", "masks/a_segmentation.png"),
        ("a", "a.nii", "a_seg.nii"),
        ("I_02L", "I_02L.jpg", "I_02L_1stHO.png I_02L_2ndHO.png"),
        ("b", "b_flair.nii b_t1.nii", "b_seg.nii"),
        ("a", "imagesTr/a_0000.nii imagesTr/a_0001.nii", "labelsTr/a.nii"),
        ("scan", "p1/scan.nii", "p1/mask.nii"),
        ("a", "labelsTr/a.nii", ""),
    ],
)
def test_files_are_paired_by_folder_and_name(name: str, images: str, labels: str) -> None:
    (case,), findings = paired(sorted([*images.split(), *labels.split()]))
    assert findings == [] and case.name == name
    assert case.images == tuple(images.split()) and case.labels == tuple(labels.split())


def test_numbered_pictures_without_label_maps_are_cases_of_their_own() -> None:
    cases, findings = paired(["scan_0001.png", "scan_0002.png"])
    assert [case.name for case in cases] == ["scan_0001", "scan_0002"] and findings == []


def test_a_missing_partner_is_named_on_either_side(tmp_path: Path, store: Any, turned: Any) -> None:
    random = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        values = random.integers(0, 99, (5, 6, 7)).astype(np.int16)
        if name != "c":
            store(tmp_path / "imagesTr" / f"{name}.nii.gz", values, turned())
        if name != "b":
            store(
                tmp_path / "labelsTr" / f"{name}.nii.gz", (values > 50).astype(np.uint8), turned()
            )
        store(tmp_path / "imagesTs" / f"{name}.nii.gz", -values.swapaxes(0, 1), turned())
    assert found(tmp_path) == {"missing-partner": ["imagesTr/b.nii.gz", "labelsTr/c.nii.gz"]}


def test_partners_that_dataset_json_lists_and_the_disk_lacks(study: Any) -> None:
    study.label(0).unlink()
    study.image(1).unlink()
    study.image(2).unlink()
    study.label(2).unlink()
    assert found(study.root) == {
        "missing-partner": ["imagesTr/case_0.nii.gz", "labelsTr/case_1.nii.gz"],
        "missing-file": ["imagesTr/case_2.nii.gz"],
    }


def test_what_no_list_names_is_stray(study: Any, store: Any) -> None:
    (study.root / "imagesTr" / "._case_0.nii.gz").write_bytes(b"Mac")
    (study.root / "imagesTr" / "case_9.nii.gz").write_bytes(study.image(0).read_bytes())
    (study.root / "Thumbs.db").write_bytes(b"0")
    (study.root / "README.md").write_text("about")
    files = ["Thumbs.db", "imagesTr/._case_0.nii.gz", "imagesTr/case_9.nii.gz"]
    assert found(study.root) == {"stray-file": files}


def test_one_name_for_two_files_or_entries(study: Any) -> None:
    study.describe(training=[*study.listed, study.listed[0]])
    assert found(study.root) == {"duplicate-id": ["dataset.json"]}
    (study.root / "dataset.json").unlink()
    other = study.image(0).with_name("case_0.nii")
    other.write_bytes(b"")
    assert found(study.root)["duplicate-id"] == ["imagesTr/case_0.nii"]


@pytest.mark.parametrize("content", ["{", "[]", b"\xff\xfe"])
def test_a_list_that_cannot_be_read_is_told_and_the_folders_serve(study: Any, content: Any) -> None:
    file = study.root / "dataset.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert found(study.root) == {"unreadable": ["dataset.json"]}
    assert verify(study.root, quiet=True).images == 3


def test_labels_of_nnunet_and_four_axes_of_the_decathlon_are_declared(
    study: Any, store: Any
) -> None:
    several = np.random.default_rng(0).integers(0, 99, (10, 12, 9, 4)).astype(np.int16)
    store(study.image(1), several, study.affine)
    assert found(study.root) == {"not-3d": ["imagesTr/case_1.nii.gz"]}
    study.describe(tensorImageSize="4D")
    assert found(study.root) == {}
    study.describe(tensorImageSize="4D", labels={"background": 0, "whole": [1, 2]})
    assert found(study.root) == {}
    study.describe(tensorImageSize="4D", labels={"background": 0, "whole": 1})
    assert found(study.root) == {
        "undeclared-label": [f"labelsTr/case_{n}.nii.gz" for n in range(3)]
    }


def test_cases_and_patients_in_two_splits(study: Any) -> None:
    splits = {"train": ["case_0", "case_1", "case_0"], "test": ["case_2", "case_1", "case_7"]}
    (study.root / "splits.json").write_text(json.dumps(splits))
    assert found(study.root) == {
        "case-in-two-splits": ["case_1"],
        "duplicate-id": ["splits.json"],
        "missing-file": ["splits.json"],
    }
    (study.root / "splits.json").write_text(json.dumps({"train": ["case_0"], "test": ["case_2"]}))
    rows = "case,patient_id\ncase_0,P1\ncase_1,P2\ncase_2,P1\n"
    (study.root / "metadata.csv").write_text(rows)
    (finding,) = verify(study.root, quiet=True).findings
    assert finding.code == "patient-in-two-splits"
    assert finding.text == "patient P1 is in test and in train"


@pytest.mark.parametrize("content", ["{", "[5]", '{"train": 3}', '["train"]'])
def test_splits_that_cannot_be_read_are_told(study: Any, content: str) -> None:
    (study.root / "splits.json").write_text(content)
    assert found(study.root) == {"unreadable": ["splits.json"]}


def test_labels_csv_has_a_row_for_each_image(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        picture = random.integers(0, 256, (8, 9), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text("n,image_id,class\n1,a,0\n2,b.png,1\n3,d,1\n4,a,0\n")
    assert found(tmp_path) == {
        "missing-partner": ["c.png", "labels.csv"],
        "duplicate-id": ["labels.csv"],
    }


@pytest.mark.parametrize("folder", ["isic2017", "dsb2018", "chase_db1"])
def test_folders_of_real_pictures_are_paired_whole(folder: str) -> None:
    if not (DATA / folder).is_dir():
        pytest.skip("PIXVOX_DATA lacks it")
    root = DATA / folder
    files = [file.relative_to(root).as_posix() for file in sorted(root.rglob("*.*g"))]
    cases, findings = paired(files)
    assert findings == [] and len(cases) == {"isic2017": 1602, "dsb2018": 457}.get(folder, 20)
    assert all(len(c.labels) == 1 + (folder == "chase_db1") for c in cases)
