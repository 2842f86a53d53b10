"""LUNA16's layout: a list of candidates, subsets of MetaImages, a cube around each candidate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pixvox_registry import SOURCES, UserError
from pixvox_registry.candidates import read_candidates, thinned
from pixvox_registry.errors import NoData

HEADER = "seriesuid,coordX,coordY,coordZ,class"
SIDES = (20, 22, 24)  # of a scan, X, Y and Z


def write_scan(
    folder: Path,
    series: str,
    voxels: NDArray[np.int16],
    *,
    spacing: Sequence[float] = (1, 1, 1),
    offset: Sequence[float] = (0, 0, 0),
    axes: str = "1 0 0 0 1 0 0 0 1",
) -> None:
    """``[X, Y, Z]`` as .mhd and .raw."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "TransformMatrix": axes,
        "Offset": " ".join(map(str, offset)),
        "ElementSpacing": " ".join(map(str, spacing)),
        "DimSize": " ".join(map(str, voxels.shape)),
        "ElementType": "MET_SHORT",
        "ElementDataFile": f"{series}.raw",
    }
    lines = "".join(f"{key} = {value}\n" for key, value in said.items())
    (folder / f"{series}.mhd").write_text(lines)
    (folder / f"{series}.raw").write_bytes(voxels.tobytes(order="F"))


def noise(seed: int) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-1000, 1001, SIDES).astype(np.int16)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PIXVOX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data" / "luna16"


def unpack(root: Path) -> dict[str, NDArray[np.int16]]:
    """Two scans in each subset, each with a nodule and three other candidates."""
    scans, rows = {}, [HEADER]
    for subset in range(10):
        for number in range(2):
            series = f"1.3.{subset}.{number}"
            scans[series] = noise(10 * subset + number)
            write_scan(root / f"subset{subset}", series, scans[series])
            rows += [f"{series},{8 + k},{9 + k},{10 + k},{int(k == number)}" for k in range(4)]
    (root / "candidates_V2.csv").write_text("\n".join(rows) + "\n")
    return scans


def build(**settings: Any) -> Any:
    return SOURCES.build("luna16", **{"cube_size": 5, **settings})


def expected(voxels: NDArray[np.int16], x: int, y: int, z: int, half: int = 2) -> NDArray[Any]:
    """``[S, S, S]`` voxel by voxel: feet to head, back to front, left to right, -1 to 1."""
    side = 2 * half + 1
    cube = np.empty((side, side, side))
    for up in range(side):
        for front in range(side):
            for right in range(side):
                at = (x - (right - half), y - (front - half), z + (up - half))
                inside = all(0 <= place < n for place, n in zip(at, voxels.shape, strict=True))
                cube[up, front, right] = (voxels[at] if inside else -1000) / 1000
    return cube


def test_cubes_are_the_voxels_around_each_candidate(root: Path) -> None:
    scans = unpack(root)
    cases = build(negatives=None).cases("val")
    assert cases.images.shape == (8, 1, 5, 5, 5)
    assert cases.labels["class"].tolist() == [1, 0, 0, 0, 0, 1, 0, 0]
    assert cases.ids[4:6] == ("1.3.7.1/0", "1.3.7.1/1")
    assert cases.spacing_mm == (1.0, 1.0, 1.0) and cases.value_range == (-1.0, 1.0)
    for row, image in enumerate(cases.images[:][:, 0].float()):
        k = row % 4
        wanted = expected(scans[f"1.3.7.{row // 4}"], 8 + k, 9 + k, 10 + k)
        assert np.abs(image.numpy() - wanted).max() < 1e-3


@pytest.mark.parametrize("axes", ["1 0 0 0 1 0 0 0 1", "-1 0 0 0 -1 0 0 0 1", "0 1 0 1 0 0 0 0 1"])
def test_places_are_in_mm_whatever_the_axes_of_the_file(root: Path, axes: str) -> None:
    """The scan is x + 10 y + 10 z of its place in mm, and so is each cube."""
    unpack(root)
    spacing, offset = np.array([0.7, 0.8, 1.25]), np.array([-3.0, 5.0, -40.0])
    turn = np.array([float(word) for word in axes.split()]).reshape(3, 3)  # a row per axis
    steps = np.stack(np.meshgrid(*map(np.arange, SIDES), indexing="ij"), -1) * spacing
    place = steps @ turn + offset
    field = (place @ np.array([1.0, 10.0, 10.0])).round().astype(np.int16)
    write_scan(root / "subset7", "1.3.7.0", field, spacing=spacing, offset=offset, axes=axes)
    middle = place[10, 11, 12]
    row = f"1.3.7.0,{middle[0]},{middle[1]},{middle[2]},1"
    (root / "candidates_V2.csv").write_text(f"{HEADER}\n{row}\n")
    cube = build(spacing_mm=0.5).cases("val").images[:][0, 0].float().numpy() * 1000
    for up, front, right in np.ndindex(5, 5, 5):
        at = middle + 0.5 * np.array([-(right - 2), -(front - 2), up - 2])
        assert abs(cube[up, front, right] - at @ np.array([1.0, 10.0, 10.0])) < 1.5


def test_beyond_the_scan_is_air(root: Path) -> None:
    scans = unpack(root)
    (root / "candidates_V2.csv").write_text(f"{HEADER}\n1.3.7.0,0,21,23,1\n1.3.7.1,8,8,8,0\n")
    cube = build().cases("val").images[:][0, 0].float().numpy()
    assert np.abs(cube - expected(scans["1.3.7.0"], 0, 21, 23)).max() < 1e-3
    assert (cube[3:] == -1).all() and (cube[:, :2] == -1).all() and (cube[..., 3:] == -1).all()


def test_subsets_are_splits_and_no_scan_stands_in_two(root: Path) -> None:
    unpack(root)
    source = build(negatives=None)
    cases = {split: source.cases(split) for split in ("train", "val", "test")}
    assert {split: len(found) for split, found in cases.items()} == dict(train=56, val=8, test=16)
    scans = [set(found.patients or ()) for found in cases.values()]
    assert sum(map(len, scans)) == len(set.union(*scans)) == 20
    assert {series[4] for series in scans[2]} == {"8", "9"}


def test_of_class_0_the_same_few_are_kept_by_everyone(root: Path) -> None:
    unpack(root)
    whole, few = build(negatives=None).cases("train"), build(negatives=2).cases("train")
    assert few.labels["class"].bincount().tolist() == [28, 14]
    assert set(few.ids) < set(whole.ids)
    place = {case: row for row, case in enumerate(whole.ids)}
    rows = [place[case] for case in few.ids]
    assert torch.equal(few.images[:], whole.images[:][rows])
    listed = read_candidates(root / "candidates_V2.csv")
    assert {c.id for c in thinned(listed[::-1], 1)} == {c.id for c in thinned(listed, 1)}
    assert build(negatives=2).facts()["sha256"] != build(negatives=None).facts()["sha256"]


def test_changed_voxels_are_read_anew(root: Path) -> None:
    unpack(root)
    before = build().facts()["sha256"]
    (root / "subset9" / "1.3.9.0.raw").write_bytes(noise(99).tobytes(order="F"))
    assert build().facts()["sha256"] != before


def test_the_older_list_serves_where_the_newer_one_is_not(root: Path) -> None:
    unpack(root)
    (root / "candidates_V2.csv").rename(root / "candidates.csv")
    assert len(build().cases("val")) == 8 and build().facts()["version"] == "candidates"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1.3.7.0,800,9,10,1", r"1\.3\.7\.0/0 lies at \(800\.0, 9\.0, 10\.0\) mm, outside"),
        ("1.3.7.0,8,9,ten,1", r"line 2: three coordinates .*'ten'"),
        ("1.3.7.0,8,9,10,2", r"line 2: .*a class of 0 or 1"),
        ("1.3.7.0,8,9", r"line 2: three coordinates"),
        ("1.3.0.0,8,9,10,1", "lists no candidate of split 'val'"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(root: Path, rows: str, message: str) -> None:
    unpack(root)
    (root / "candidates_V2.csv").write_text(f"{HEADER}\n{rows}\n")
    with pytest.raises(UserError, match=message):
        build().cases("val")


def test_what_is_missing_is_named(root: Path) -> None:
    with pytest.raises(NoData, match="luna16"):
        build().cases("val")
    unpack(root)
    (root / "candidates_V2.csv").write_text("seriesuid,x,y,z,class\n")
    with pytest.raises(UserError, match="coordX, coordY, coordZ is missing"):
        build().cases("val")
    (root / "candidates_V2.csv").unlink()
    with pytest.raises(NoData, match=r"neither candidates_V2\.csv nor candidates\.csv"):
        build().cases("val")
    unpack(root)
    for file in (root / "subset9").iterdir():
        file.unlink()
    assert len(build().cases("val")) == 8
    with pytest.raises(NoData, match=r"subset9 holds no scan"):
        build().cases("test")
    with pytest.raises(UserError, match="No split is called 'tset'"):
        build().cases("tset")
