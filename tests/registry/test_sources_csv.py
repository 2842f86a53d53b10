"""A CSV list of cases, in 2D and in 3D: columns, labels, masks, and faults with their line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from pixvox_registry.errors import NoData, UserError
from pixvox_registry.source_spec import build_source
from pixvox_registry.sources.csv import Csv

SIDES = (8, 9, 10)


def picture(file: Path, value: int, shape: tuple[int, int] = (20, 30)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, value, np.uint8)).save(file)
    return file


def volume(file: Path, values: np.ndarray, mm: float = 1.0) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([mm, mm, mm, 1.0])), file)
    return file


def listing(file: Path, *lines: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four pictures of three patients, of differing size, with masks of 0, 1 and 7."""
    for k in range(4):
        picture(tmp_path / "images" / f"{k}.png", 50 * k, (20 + k, 30))
        mask = np.zeros((20 + k, 30), np.uint8)
        mask[2:4, :k], mask[5, :2] = 1, 7
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(tmp_path / "masks" / f"{k}.png")
    return listing(
        tmp_path / "list.csv",
        "image,mask,patient,split,class,edema,effusion",
        "images/0.png,masks/0.png,p1,train,nevus,0,1",
        'images/1.png,masks/1.png,p1,train,"melanoma",1,1',
        "images/2.png,masks/2.png,p2,test,nevus,0,0",
        "images/3.png,masks/3.png,p3,val,keratosis,1,0",
    )


def test_pictures_with_all_that_a_list_says(photos: Path) -> None:
    source = build_source(f"csv:{photos},image_size=16,labels=edema,effusion")
    assert source.dims == 2 and source.splits == ("train", "test", "val")
    assert source.classes == ("keratosis", "melanoma", "nevus")
    cases = source.cases("train")
    assert cases.images.shape == (2, 1, 16, 16) and cases.images.dtype == torch.uint8
    assert cases.images[:].flatten(1).unique(dim=1).flatten().tolist() == [0, 50]
    assert cases.ids == ("images/0.png", "images/1.png") and cases.patients == ("p1", "p1")
    told = {name: label.tolist() for name, label in cases.labels.items()}
    assert told == {"class": [2, 1], "edema": [0, 1], "effusion": [1, 1]}
    assert source.cases("val").labels["class"].tolist() == [0]
    assert build_source(source.name).facts() == source.facts()
    (scan,) = source.scans("val")
    assert scan.image.shape == (1, 23, 30) and scan.mask.unique().tolist() == [0, 1, 7]
    binary = build_source(f"csv:{photos},mask_labels=binary").scans("val")[0]
    assert int(binary.mask.sum()) == 3 * 2 + 2


def test_classes_may_be_named_in_their_order_or_be_numbers(photos: Path, tmp_path: Path) -> None:
    named = Csv(str(photos), classes=("nevus", "keratosis", "melanoma"))
    assert named.cases("train").labels["class"].tolist() == [0, 2]
    assert build_source(named.name).classes == ("nevus", "keratosis", "melanoma")
    numbers = listing(tmp_path / "n.csv", "image,class", "images/0.png,2", "images/1.png,0")
    source = Csv(str(numbers))
    assert source.cases("train").labels["class"].tolist() == [2, 0]
    assert source.classes == ("0", "1", "2") and source.splits == ("train",)
    assert source.cases("train").patients is None
    with pytest.raises(UserError, match=r"Line 2 of .* has '2' as class; .* from 0 to 1 is due"):
        Csv(str(numbers), classes="a,b").cases("train")


def test_columns_of_other_names(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 9)
    file = listing(tmp_path / "l.csv", "Path,Subject,Finding,Fold,uid", "a.png,s1,yes,dev,case-7")
    line = f"csv:{file},image=Path,patient=Subject,split=Fold,label=Finding,id=uid"
    cases = build_source(line).cases("dev")
    assert cases.ids == ("case-7",) and cases.patients == ("s1",)
    assert cases.labels["class"].tolist() == [0] and build_source(line).name == line


HEAD = "image,mask,patient,split,class,edema"
WRONG: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "no image column": (["picture", "images/0.png"], {}, "no column 'image'"),
    "no such column": (["image", "images/0.png"], {"label": "kind"}, "no column 'kind'"),
    "a misspelt one": (["image,klass", "images/0.png,a"], {"label": "class_"}, "no column"),
    "no such label": (["image", "images/0.png"], {"labels": "edema"}, "no column 'edema'"),
    "no such file": (["image", "images/0.png", "x/9.png"], {}, "Line 3 of .* 'x/9.png' as image"),
    "no such mask": (["image,mask", "images/0.png,x"], {}, "Line 2 of .* names 'x' as mask"),
    "listed twice": (["image", *["images/0.png"] * 2], {}, "Line 3 .* again, after line 2"),
    "an empty class": (
        ["image,class", "images/0.png,a", "images/1.png,"],
        {},
        "Line 3 of .* leaves 'class' empty",
    ),
    "an unknown class": (
        ["image,class", "images/0.png,a", "images/1.png,b"],
        {"classes": "a,c"},
        "Line 3 of .* has the class 'b'; known are a, c",
    ),
    "no 0 or 1": (
        ["image,edema", "images/0.png,1", "images/1.png,maybe"],
        {"labels": "edema"},
        "Line 3 of .* has 'maybe' as edema; a whole number from 0 to 1",
    ),
    "2 of 1": (["image,edema", "images/0.png,2"], {"labels": "edema"}, "has '2' as edema"),
    "too many fields": (["image", "images/0.png,a"], {}, "Line 2 of .* has other fields"),
    "too few fields": (["image,class", "images/0.png"], {}, "Line 2 of .* has other fields"),
    "an id twice": (
        ["image,id", "images/0.png,a", "images/1.png,a"],
        {},
        "Line 3 of .* has the id 'a' of another row",
    ),
    "a column twice": (["image,image", "a,b"], {}, "names a column twice"),
    "2D beside 3D": (["image", "images/0.png", "v.nii"], {}, "Line 3 of .* a picture beside a vol"),
    "no row": (["image"], {}, "lists no case"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told_with_its_line(photos: Path, wrong: str) -> None:
    lines, settings, said = WRONG[wrong]
    volume(photos.parent / "v.nii", np.zeros(SIDES, np.uint8))
    file = listing(photos.parent / "wrong.csv", *lines)
    with pytest.raises(UserError, match=said):
        Csv(str(file), **settings).cases("train")


def test_what_is_not_there_or_does_not_fit_is_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(NoData, match="csv wants a list of cases"):
        Csv(str(tmp_path / "nowhere.csv")).cases("train")
    with pytest.raises(UserError, match=r"No split is called 'tset'\. Did you mean 'test'"):
        Csv(str(photos)).cases("tset")
    plain = listing(tmp_path / "plain.csv", "image", "images/0.png")
    with pytest.raises(UserError, match="no column 'mask', and scans need masks"):
        Csv(str(plain)).scans("train")
    picture(photos.parent / "masks" / "2.png", 0, (9, 9))
    with pytest.raises(UserError, match=r"The mask of images/2\.png has \(9, 9\)"):
        Csv(str(photos)).scans("test")
    (tmp_path / "bytes.csv").write_bytes(b"image\n\xff\xfe\x00")
    with pytest.raises(UserError, match="no CSV list that can be read"):
        Csv(str(tmp_path / "bytes.csv")).cases("train")


def test_every_word_of_the_list_is_in_the_digest(photos: Path) -> None:
    digest = Csv(str(photos)).facts()["sha256"]
    text = photos.read_text()
    for old, new in (("p2,test", "p3,test"), ("test", "val"), ("nevus", "keratosis")):
        photos.write_text(text.replace(old, new))
        assert Csv(str(photos)).facts()["sha256"] != digest
    photos.write_text(text)
    assert Csv(str(photos)).facts()["sha256"] == digest


def test_volumes_with_masks_and_patients(tmp_path: Path) -> None:
    for k in range(2):
        values = np.random.default_rng(k).integers(-1000, 1000, SIDES).astype(np.int16)
        mask = np.zeros(SIDES, np.int16)
        mask[2, 2, : k + 1], mask[4, 4, 4] = 205, 420
        volume(tmp_path / f"{k}.nii.gz", values, 2.0)
        volume(tmp_path / f"{k}_mask.nii.gz", mask, 2.0)
    rows = [f"{k}.nii.gz,{k}_mask.nii.gz,p{k},{'train' if k else 'test'}" for k in range(2)]
    file = listing(tmp_path / "list.csv", "image,mask,patient,split", *rows)
    settings = 'modality=ct,volume_size=10,spacing_mm=none,mask_labels="205=1,420=2"'
    source = build_source(f"csv:{file},{settings}")
    cases = source.cases("train")
    assert source.dims == 3 and cases.images.shape == (1, 1, 10, 10, 10)
    assert cases.value_range == (-1.0, 1.0) and cases.spacing_mm == (2.0, 2.0, 2.0)
    assert cases.masks[:].flatten().bincount().tolist() == [997, 2, 1]
    (scan,) = source.scans("test")
    assert scan.id == "0.nii.gz" and scan.mask.flatten().bincount().tolist() == [718, 1, 1]
    assert scan.spacing_mm == (2.0, 2.0, 2.0) and source.scans("test").patients == ("p0",)
    assert build_source(source.name).facts() == source.facts()
    with pytest.raises(UserError, match="label 420, which labels= does not map"):
        Csv(str(file), mask_labels="205=1").cases("train")
    with pytest.raises(UserError, match="modality"):
        Csv(str(file), modality="us").cases("train")


def test_a_list_below_pixvox_data_is_found(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXVOX_DATA", str(photos.parent))
    assert len(build_source("csv:list.csv").cases("train")) == 2
