"""``pixvox embed``: rows of features as CSV and Parquet, streamed, whole, and alike twice."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

import pixvox_zoo
from pixvox_registry import COMMANDS, UserError
from pixvox_registry.__main__ import main
from pixvox_registry.cases import Cases
from pixvox_registry.source_spec import build_source
from pixvox_registry.stored import Stored
from pixvox_zoo.commands.embed import embed as command
from pixvox_zoo.embedding import embed
from pixvox_zoo.plain_path import source_at
from pixvox_zoo.slice_by_slice import SliceBySlice

SOURCE = "phantoms:shapes_2d,count=10"


def pixvox(*words: object) -> int:
    with COMMANDS.lend("embed", command):
        try:
            main(["embed", *map(str, words), "--quiet"])
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def features_of(rows: list[dict[str, str]]) -> Any:
    return np.array([[row[f"f{place:04d}"] for place in range(24)] for row in rows], np.float32)


def expected_of(folder: Path, cases: Cases) -> Any:
    loaded = pixvox_zoo.load(folder)
    sized = cases.resized(loaded.image_size).images[:]
    with torch.inference_mode():
        intensity = loaded.intensity.in_units_of(cases)
        return loaded.backbone(intensity.standardise(sized)).pooled.numpy()


def test_a_row_for_each_case_of_each_split(
    untrained: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "features.csv"
    assert pixvox(untrained[2], SOURCE, "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == {"train": 10, "val": 5, "test": 5} and told["features"] == 24
    rows, start = rows_of(out), 0
    for split in ("train", "val", "test"):
        cases = build_source(SOURCE).cases(split)
        part = rows[start : start + len(cases)]
        assert [row["id"] for row in part] == list(cases.ids)
        assert [row["patient"] for row in part] == list(cases.patients or ())
        assert [int(row["label_class"]) for row in part] == cases.labels["class"].tolist()
        assert {row["split"] for row in part} == {split}
        np.testing.assert_allclose(
            features_of(part), expected_of(untrained[2], cases), rtol=1e-5, atol=1e-6
        )
        start += len(cases)
    assert start == len(rows)
    first = out.read_bytes()
    assert pixvox(untrained[2], SOURCE, "--out", out) == 0
    assert out.read_bytes() == first
    assert pixvox(untrained[2], SOURCE, "--out", out, "--split", "val", "--batch", 2) == 0
    np.testing.assert_allclose(features_of(rows_of(out)), features_of(rows[10:15]), rtol=1e-5)


def test_parquet_holds_the_same_and_is_alike_twice(
    untrained: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("pixvox_zoo.feature_table.ROWS_AT_ONCE", 6)
    for name in ("a.csv", "a.parquet", "b.parquet"):
        assert pixvox(untrained[2], SOURCE, "--out", tmp_path / name, "--batch", 3) == 0
    file = parquet.ParquetFile(tmp_path / "a.parquet")
    assert file.metadata.num_row_groups == 3  # of 6, 7 and 7 rows, as batches fill them
    columns, rows = file.read().to_pydict(), rows_of(tmp_path / "a.csv")
    assert columns["id"] == [row["id"] for row in rows]
    assert columns["label_class"] == [int(row["label_class"]) for row in rows]
    found = np.array([columns[f"f{place:04d}"] for place in range(24)], np.float32).T
    np.testing.assert_array_equal(found, features_of(rows))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_without_pyarrow_it_says_what_to_install(
    untrained: dict[int, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    assert pixvox(untrained[2], SOURCE, "--out", tmp_path / "x.parquet") == 2
    assert 'pip install "pixvox[embed]"' in capsys.readouterr().err
    assert pixvox(untrained[2], SOURCE, "--out", tmp_path / "x.xlsx") == 2
    assert "as .csv or .parquet" in capsys.readouterr().err
    assert list(tmp_path.glob("*x*")) == []


class Shelf:
    """Two splits, of which one knows labels and patients; a case of each may be broken."""

    name, dims, splits = "shelf", 2, ("train", "kept")

    def __init__(self, *, broken: bool) -> None:
        self.broken = broken

    def cases(self, split: str) -> Cases:
        whole = build_source("phantoms:shapes_2d,count=16").cases("train")
        images = whole.images.float()
        if self.broken:
            images[13] = torch.nan
        bare = split == "kept"
        return replace(
            whole,
            images=images,
            labels={} if bare else whole.labels,
            patients=None if bare else whole.patients,
            ids=tuple(f"{split} {row}" for row in range(16)),
        )

    def facts(self) -> dict[str, Any]:
        return {}


def test_a_folder_is_no_table(untrained: dict[int, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        embed(pixvox_zoo.load(untrained[2]), Shelf(broken=False), tmp_path, quiet=True)


def test_a_table_is_whole_or_absent(untrained: dict[int, Path], tmp_path: Path) -> None:
    loaded, out = pixvox_zoo.load(untrained[2]), tmp_path / "x.csv"
    for name in ("x.csv", "x.parquet") if find_spec("pyarrow") else ("x.csv",):
        with pytest.raises(UserError, match="NaN or infinity for train 13; look"):
            embed(loaded, Shelf(broken=True), tmp_path / name, batch=4, quiet=True)
        assert list(tmp_path.iterdir()) == []
    embed(loaded, Shelf(broken=False), out, batch=4, quiet=True)
    rows = rows_of(out)
    assert len(rows) == 32 and rows[0]["patient"] and not rows[16]["patient"]
    assert rows[0]["label_class"] and not rows[16]["label_class"]


def test_volumes_and_their_slices(
    untrained: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volumes, out = "phantoms:shapes_3d,count=4", tmp_path / "x.csv"
    cases = build_source(volumes).cases("train")
    assert pixvox(untrained[3], volumes, "--out", out, "--split", "train") == 0
    np.testing.assert_allclose(
        features_of(rows_of(out)), expected_of(untrained[3], cases), rtol=1e-5, atol=1e-6
    )
    assert pixvox(untrained[2], volumes, "--out", out) == 2
    assert "with --slices" in capsys.readouterr().err
    assert pixvox(untrained[2], volumes, "--out", out, "--split", "train", "--slices") == 0
    loaded = pixvox_zoo.load(untrained[2])
    images = loaded.intensity.standardise(cases.resized(16).images[:])
    with torch.inference_mode():
        mean = SliceBySlice(loaded.backbone)(images).pooled
    np.testing.assert_allclose(features_of(rows_of(out)), mean, rtol=1e-5, atol=1e-6)
    for words, said in (
        (
            (untrained[3], SOURCE),
            "is made for 3D, and the cases of phantoms:shapes_2d,count=10 are 2D",
        ),
        ((untrained[2], SOURCE, "--slices"), "Leave it out"),
        ((untrained[2], SOURCE, "--split", "trian"), "Did you mean 'train'"),
        ((untrained[2], SOURCE, "--device", "cud"), "Did you mean 'cuda'"),
    ):
        assert pixvox(*words, "--out", out) == 2
        assert said in capsys.readouterr().err


def test_no_more_than_a_batch_is_read_at_once(
    untrained: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        Image.new("L", (20, 20), 40 * number).save(tmp_path / f"{number}.png")
    read: list[int] = []
    whole = Stored._read

    def noting(stored: Stored, places: Any) -> torch.Tensor:
        read.append(len(places))
        return whole(stored, places)

    monkeypatch.setattr(Stored, "_read", noting)
    assert pixvox(untrained[2], tmp_path, "--out", tmp_path / "x.csv", "--batch", 2) == 0
    assert read == [2, 2, 1]


def test_a_bare_path_is_read_by_the_one_source_that_fits(
    untrained: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures, scans, both = (tmp_path / name for name in ("pictures", "scans", "both"))
    for folder in (pictures, scans, both):
        folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(3):
        grey = Image.fromarray(draw.integers(0, 255, (20, 20), dtype=np.uint8))
        grey.save(pictures / f"{number}.png")
        volume = nibabel.Nifti1Image(draw.normal(size=(9, 9, 9)).astype(np.float32), np.eye(4))
        nibabel.save(volume, scans / f"{number}.nii.gz")
        nibabel.save(volume, both / f"{number}.nii.gz")
        grey.save(both / f"{number}.png")
    out = tmp_path / "x.csv"
    assert pixvox(untrained[2], pictures, "--out", out) == 0
    assert f"reading image_folder:{pictures}" in capsys.readouterr().err
    assert [row["id"] for row in rows_of(out)] == ["0.png", "1.png", "2.png"]
    assert pixvox(untrained[3], scans, "--out", out) == 0
    assert len(rows_of(out)) == 3
    assert source_at(str(pictures), 2, 3).name == f"image_folder:{pictures},channels=3"
    assert source_at(SOURCE, 2, 1).name == SOURCE
    wrong = f"image_folder:{pictures},channels=3"
    assert pixvox(untrained[2], wrong, "--out", out) == 2
    assert "was made for 1 channels" in capsys.readouterr().err
    for path, said in (
        (both, "nifti and image_folder read; write the source"),
        (pictures / "0.png", "is one file"),
        (tmp_path / "nowhere", "There is no file or folder "),
        ("nowhere", "no file or folder nowhere, and no source of that name. `pixvox list sources`"),
        ("phantom", "no source of that name. Did you mean 'phantoms'?"),
        ("phantom:shapes_2d", "Did you mean 'phantoms'?"),
    ):
        assert pixvox(untrained[2], path, "--out", out) == 2
        assert said in capsys.readouterr().err
    nibabel.save(volume, scans / "0_seg.nii.gz")
    with pytest.raises(UserError, match="holds label maps beside its images"):
        source_at(str(scans), 3, 1)
