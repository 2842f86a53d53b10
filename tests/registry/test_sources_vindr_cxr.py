"""VinDr-CXR's layout: DICOM in train and test, lists of what each reader saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from pixvox_benchmarks.task_line import task_of
from pixvox_registry import SOURCES, UserError
from pixvox_registry.errors import NoData

FINDINGS = SOURCES.build("vindr_cxr").findings  # type: ignore[attr-defined]
HEADER = ("image_id", "rad_id", *FINDINGS[::-1], "Rib fracture", "No finding")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PIXVOX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data" / "vindr-cxr"


def write_dicom(file: Path, pixels: np.ndarray[Any, Any], photometric: str) -> None:
    """16 bits of one picture."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    made.Modality, made.PhotometricInterpretation = "DX", photometric
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel = 1
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation = 15, 0
    made.PixelData = pixels.astype("<u2").tobytes()
    file.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(file, enforce_file_format=True)


def mark(image: int, finding: int) -> int:
    """0 to 3: how many of three readers saw it."""
    return (image + finding) % 4


def unpack(root: Path, *, train: int = 20, test: int = 8) -> None:
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for split, count, readers in (("train", train, 3), ("test", test, 1)):
        rows = [",".join(HEADER)]
        for image in range(count):
            ramp = np.tile(np.arange(80) * (image + 1), (80, 1))
            kind = "MONOCHROME1" if image % 2 else "MONOCHROME2"
            if image == 2:
                file = root / split / f"{split}{image}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray((ramp % 256).astype(np.uint8)).save(file)
            else:
                write_dicom(root / split / f"{split}{image}.dicom", ramp, kind)
            for reader in range(readers):
                saw = [int(reader < mark(image, f)) for f in range(14)][::-1]
                rows.append(",".join(map(str, [f"{split}{image}", f"R{reader}", *saw, 1, 0])))
        text = "\n".join([rows[0], *rows[:0:-1]]) + "\n"  # readers of an image are strewn about
        (root / "annotations" / f"image_labels_{split}.csv").write_text(text)


def build(**settings: Any) -> Any:
    return SOURCES.build("vindr_cxr", **settings)


def test_a_finding_holds_where_most_readers_saw_it(root: Path) -> None:
    unpack(root)
    for split, votes in (("train", 2), ("test", 1)):
        cases = build(image_size=32).cases(split)
        assert cases.images.shape == (len(cases), 1, 32, 32)
        for row, case in enumerate(cases.ids):
            image = int(case.removeprefix(split))
            for place, finding in enumerate(FINDINGS):
                wanted = int(mark(image, place) >= votes)
                assert int(cases.labels[finding][row]) == wanted, (case, finding)


def test_dense_is_bright_whatever_the_photometry(root: Path) -> None:
    unpack(root)
    cases = build().cases("train")
    for case, image in zip(cases.ids, cases.images[:][:, 0].float(), strict=True):
        rising = image[:, -1].mean() > image[:, 0].mean()
        inverted = int(case.removeprefix("train")) % 2 == 1
        assert rising != inverted


def test_the_task_has_a_val_of_its_own_and_the_official_test(root: Path) -> None:
    unpack(root)
    task: Any = task_of("vindr_cxr")
    ids = {split: task.cases(split).ids for split in ("train", "val", "test")}
    assert [len(found) for found in ids.values()] == [16, 4, 8]
    assert {*ids["train"], *ids["val"]} == {f"train{i}" for i in range(20)}
    assert set(ids["test"]) == {f"test{i}" for i in range(8)}
    assert task.target(task.cases("test")).shape == (8, 14)
    assert len(task.fingerprint()) == 64


def test_a_changed_vote_changes_the_digest(root: Path) -> None:
    unpack(root)
    before = build().facts()["sha256"]
    file = root / "annotations" / "image_labels_train.csv"
    head, first, *rest = file.read_text().splitlines()
    words = first.split(",")
    words[2] = str(1 - int(words[2]))
    file.write_text("\n".join([head, ",".join(words), *rest]) + "\n")
    assert build().facts()["sha256"] != before


def test_what_is_missing_or_wrong_is_named(root: Path) -> None:
    with pytest.raises(NoData, match="vindr-cxr"):
        build().cases("train")
    unpack(root)
    (root / "train" / "train3.dicom").unlink()
    with pytest.raises(UserError, match=r"lacks train3, which the list of train names"):
        build().cases("train")
    file = root / "annotations" / "image_labels_test.csv"
    text = file.read_text()
    file.write_text(text.replace("ILD", "IDL"))
    with pytest.raises(UserError, match=r"no column 'ILD'. Did you mean 'IDL'"):
        build().cases("test")
    file.write_text(text.replace(",1", ",2", 1))
    with pytest.raises(UserError, match="a whole number from 0 to 1 is due"):
        build().cases("test")
    with pytest.raises(UserError, match="No split is called 'val'"):
        build().cases("val")
    file.unlink()
    with pytest.raises(NoData, match="image_labels_test"):
        build().cases("test")
