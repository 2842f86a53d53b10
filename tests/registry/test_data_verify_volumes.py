"""``pixvox data verify``: each fault of a volume, planted for real, found under its own code."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from pixvox_registry.faults.finding import Unsound, known_faults
from pixvox_registry.faults.nifti_file import read_nifti
from pixvox_registry.faults.verify import verify

LABEL, IMAGE = "labelsTr/case_1.nii.gz", "imagesTr/case_1.nii.gz"


def again(file: Path, change: Callable[[Any], Any]) -> None:
    """The same file with another content: ``change`` mends the image in place or gives a new."""
    image = nibabel.load(file)
    held = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)
    changed = change(held)
    nibabel.save(held if changed is None else changed, file)


def with_values(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
    def changed(image: Any) -> Any:
        values = change(np.asarray(image.dataobj).copy())
        return fresh(values, image.affine)

    return changed


def fresh(values: np.ndarray, affine: np.ndarray) -> Any:
    image = nibabel.Nifti1Image(values, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    return image


def with_affine(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
    return lambda image: fresh(np.asarray(image.dataobj), change(image.affine.copy()))


def put(place: Any, value: float) -> Callable[[Any], Any]:
    def change(values: np.ndarray) -> np.ndarray:
        values = values.astype(np.float32)
        values[place] = value
        return values

    return with_values(change)


def turned(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn


def sheared(image: Any) -> Any:
    affine = image.affine.copy()
    affine[:3, 1] += 0.2 * affine[:3, 0]
    return nibabel.Nifti1Image(np.asarray(image.dataobj), affine)


def without_codes(file: Path) -> None:
    """nibabel writes a form wherever it has an affine, so the bytes are set."""
    content = bytearray(gzip.decompress(file.read_bytes()))
    content[252:256] = bytes(4)
    file.write_bytes(gzip.compress(content))


def two_forms(image: Any) -> None:
    image.set_qform(turned(5) @ image.affine, 1)


def other_pixdim(image: Any) -> None:
    image.set_qform(None, 0)
    image.header["pixdim"][1:4] *= 1.01


def packed(raw: int, slope: float) -> Callable[[Any], Any]:
    """uint8 labels 0 and ``raw`` with a slope in the header."""

    def change(image: Any) -> Any:
        new = fresh((np.asarray(image.dataobj) > 0).astype(np.uint8) * raw, image.affine)
        new.header.set_slope_inter(slope, 0)
        return new

    return change


def structured(image: Any) -> Any:
    colour = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    drawn = np.random.default_rng(0).integers(0, 256, (*image.shape, 3), dtype=np.uint8)
    return fresh(drawn.view(colour)[..., 0], image.affine)


PLANTED = {
    "NaN": (IMAGE, "nan", put((3, 4, 5), np.nan)),
    "infinity": (IMAGE, "inf", put((3, 4, 5), -np.inf)),
    "NaN in a label": (LABEL, "nan", put((3, 4, 5), np.nan)),
    "one value": (IMAGE, "constant-image", with_values(lambda v: np.full_like(v, 7))),
    "colours": (IMAGE, "rgb", structured),
    "complex": (IMAGE, "complex", with_values(lambda v: v.astype(np.complex64) * 1j)),
    "a film": (IMAGE, "not-3d", with_values(lambda v: np.stack([v, v[::-1]], -1))),
    "another shape": (LABEL, "shape-mismatch", with_values(lambda v: v[:, 1:])),
    "a flip": (LABEL, "orientation-mismatch", with_affine(lambda a: a @ np.diag([-1, 1, 1, 1]))),
    "other axes": (LABEL, "orientation-mismatch", with_affine(lambda a: a[:, [1, 0, 2, 3]])),
    "a voxel's shift": (
        LABEL,
        "affine-mismatch",
        with_affine(lambda a: a + np.outer(a[:, 0], [0, 0, 0, 1])),
    ),
    "half a voxel": (
        LABEL,
        "affine-mismatch",
        with_affine(lambda a: a + np.outer(a[:, 2] / 2, [0, 0, 0, 1])),
    ),
    "two degrees": (LABEL, "affine-mismatch", with_affine(lambda a: turned(2) @ a)),
    "one percent": (
        LABEL,
        "spacing-mismatch",
        with_affine(lambda a: a @ np.diag([1, 1, 1.01, 1])),
    ),
    "an undeclared label": (LABEL, "undeclared-label", put((3, 4, 5), 7)),
    "a negative label": (LABEL, "undeclared-label", put((3, 4, 5), -1)),
    "a fraction": (LABEL, "fractional-label", put((3, 4, 5), 1.5)),
    "whole after a slope": (LABEL, "scaled-label", packed(4, 0.25)),
    "fraction after a slope": (LABEL, "fractional-label", packed(6, 0.25)),
    "nothing labelled": (LABEL, "empty-label", with_values(np.zeros_like)),
    "two forms": (IMAGE, "sform-qform-mismatch", two_forms),
    "two spacings": (IMAGE, "pixdim-mismatch", other_pixdim),
    "shear": (IMAGE, "sheared-affine", sheared),
    "zero codes": (IMAGE, "zero-codes", lambda image: None),
}
# What the image itself shows, its untouched label then disagrees with.
ALSO = {"two spacings": {"spacing-mismatch"}}
BOTH = {"shear", "zero codes"}  # planted in image and label alike


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_fault_is_found_under_its_code_and_no_other(study: Any, what: str) -> None:
    file, code, change = PLANTED[what]
    for planted in {file, LABEL} if what in BOTH else {file}:
        again(study.root / planted, change)
        if what == "zero codes":
            without_codes(study.root / planted)
    findings = study.findings()
    assert {finding.code for finding in findings} == {code, *ALSO.get(what, ())}
    assert file in {finding.files[0] for finding in findings if finding.code == code}
    assert all(finding.severity == known_faults()[finding.code].severity for finding in findings)
    assert all("case_1" in name for finding in findings for name in finding.files)


def test_a_sound_study_has_no_finding(study: Any) -> None:
    assert study.findings() == []


def test_fifty_sound_cases_raise_no_alarm(tmp_path: Path, store: Any, turned: Any) -> None:
    random = np.random.default_rng(0)
    kinds = [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64]
    orders = list(product(permutations(range(3)), product((1, -1), repeat=3)))
    for number in range(50):
        order, signs = orders[number % len(orders)]
        affine = turned(float(random.uniform(-30, 30)), tuple(random.uniform(0.3, 5, 3)))
        affine = affine[:, [*order, 3]] @ np.diag([*signs, 1])
        sides = tuple(random.integers(5, 14, 3))
        values = random.integers(0, 200, sides).astype(kinds[number % len(kinds)])
        mask = random.integers(0, 3, sides).astype([np.uint8, np.int16, np.float32][number % 3])
        suffix = (".nii", ".nii.gz")[number % 2]
        slope = {"scl_slope": 0.5, "scl_inter": -3.0} if number % 5 == 0 else {}
        store(tmp_path / "images" / f"case_{number}{suffix}", values, affine, **slope)
        store(tmp_path / "labels" / f"case_{number}{suffix}", mask, affine)
        if number % 7 == 0:  # as other tools write them: one form, NIfTI-2, other bytes first
            plain = nibabel.Nifti2Image(values, affine)
            nibabel.save(plain, tmp_path / "images" / f"case_{number}{suffix}")
        if number % 11 == 0:
            header = nibabel.Nifti1Header(endianness=">")
            image = nibabel.Nifti1Image(values, affine, header)
            nibabel.save(image, tmp_path / "images" / f"case_{number}{suffix}")
    report = verify(tmp_path, quiet=True)
    assert report.findings == () and report.images == 50


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_no_cut_goes_unseen(tmp_path: Path, store: Any, turned: Any, suffix: str) -> None:
    values = np.arange(5 * 6 * 4, dtype=np.int16).reshape(5, 6, 4)
    whole = store(tmp_path / f"whole{suffix}", values, turned()).read_bytes()
    assert read_nifti(tmp_path, f"whole{suffix}").stored.tolist() == values.tolist()
    cut = tmp_path / f"cut{suffix}"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        with pytest.raises(Unsound) as refused:
            read_nifti(tmp_path, cut.name)
        assert refused.value.finding.code == "truncated", length


def test_no_bit_of_the_stream_flips_unseen(tmp_path: Path, store: Any, turned: Any) -> None:
    values = np.arange(5 * 6 * 4, dtype=np.int16).reshape(5, 6, 4)
    whole = store(tmp_path / "whole.nii.gz", values, turned()).read_bytes()
    flipped = tmp_path / "flipped.nii.gz"
    header = whole.index(b"\0", 10) + 1 if whole[3] & 8 else 10  # its times and names are free
    refused = 0
    for place in range(header, len(whole)):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        flipped.write_bytes(content)
        try:
            seen = read_nifti(tmp_path, flipped.name)
        except Unsound:
            refused += 1
        else:  # deflate spells some contents in two ways
            assert np.array_equal(seen.stored, values) and seen.findings == ()
    assert refused > 0.98 * (len(whole) - header)


@pytest.mark.parametrize(
    ("suffix", "unpack", "pack"),
    [(".nii", bytes, bytes), (".nii.gz", gzip.decompress, gzip.compress)],
)
def test_a_header_bomb_is_refused_before_memory_is_asked_for(
    tmp_path: Path, store: Any, turned: Any, suffix: str, unpack: Any, pack: Any
) -> None:
    file = store(tmp_path / f"bomb{suffix}", np.ones((4, 4, 4), np.uint8), turned())
    content = bytearray(unpack(file.read_bytes()))
    content[42:48] = np.array([30_000] * 3, "<i2").tobytes()
    file.write_bytes(pack(content))
    start = time.monotonic()
    (finding,) = verify(file, quiet=True).findings
    assert finding.code == "header-bomb" and "27,000,000,000,000 bytes" in finding.text
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    "content", [b"", b"no volume at all, but long enough to be one" * 20, b"\x5c\x01\0\0" * 200]
)
def test_what_is_no_volume_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scan.nii").write_bytes(content)
    (tmp_path / "scan_2.nii.gz").write_bytes(content)
    codes = [finding.code for finding in verify(tmp_path, quiet=True).findings]
    assert len(codes) == 2 and set(codes) <= {"unreadable", "truncated"}


def test_labels_saved_as_scaled_bytes_are_a_warning_while_rounding_gives_them_back(
    study: Any,
) -> None:
    wanted = np.zeros((10, 12, 9))
    wanted.ravel()[:120] = np.arange(120)
    image = nibabel.Nifti1Image(wanted, study.affine)
    image.header.set_data_dtype(np.uint8)
    nibabel.save(image, study.label(1))
    read = nibabel.load(study.label(1)).get_fdata()
    assert (read != wanted).any() and np.array_equal(read.round(), wanted)  # the fault is real
    study.describe(labels={str(value): str(value) for value in range(120)})
    assert [(f.code, f.severity) for f in study.findings()] == [("scaled-label", "warning")]


def test_numbers_stand_in_the_sentences(study: Any) -> None:
    again(study.label(1), PLANTED["two degrees"][2])
    again(study.image(2), put(slice(2), np.nan))
    affine, nan = study.findings()[::-1]
    assert "2.00 degrees" in affine.text and affine.files == (LABEL, IMAGE)
    assert f"{2 * 12 * 9} of {10 * 12 * 9}" in nan.text
