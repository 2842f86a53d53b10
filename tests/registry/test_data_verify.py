"""``pixvox data verify PATH``, as a user types it, and what it says of real data."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixvox_registry.__main__ import main
from pixvox_registry.faults.finding import known_faults
from pixvox_registry.faults.verify import verify

DATA = Path(os.environ.get("PIXVOX_DATA", "/nowhere"))
IMAGE = "imagesTr/case_1.nii.gz"
DEMANDED = {  # the list of what must be found
    *("nan", "inf", "truncated", "shape-mismatch", "affine-mismatch", "spacing-mismatch"),
    *("orientation-mismatch", "undeclared-label", "fractional-label", "scaled-label"),
    *("empty-label", "constant-image", "missing-partner", "duplicate-id", "duplicate-case"),
    *("duplicate-across-splits", "patient-in-two-splits", "rgb", "complex", "not-3d"),
    *("sform-qform-mismatch", "zero-codes", "sheared-affine", "header-bomb", "stray-file"),
}


def pixvox(*words: str) -> int:
    """Exit code."""
    with pytest.raises(SystemExit) as left:
        main(words)
    return int(left.value.code or 0)


def test_the_command_prints_a_table_or_json_and_tells_errors_by_its_exit_code(
    study: Any, store: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pixvox("data", "verify", str(study.root)) == 0
    assert "3 images; errors: 0, warnings: 0" in capsys.readouterr().err
    store(study.label(2), np.zeros((10, 12, 9), np.uint8), study.affine)
    assert pixvox("data", "verify", str(study.root)) == 0
    store(study.image(1), np.full((10, 12, 9), np.nan, np.float32), study.affine)
    assert pixvox("data", "verify", str(study.root)) == 1
    shown = capsys.readouterr()
    assert "error" in shown.out and "empty-label" in shown.out and IMAGE in shown.out
    assert "errors: 1, warnings: 1" in shown.err and "Find out what wrote it" in shown.err
    assert pixvox("data", "verify", str(study.root), "--json") == 1
    nan, empty = json.loads(capsys.readouterr().out)
    assert nan["files"] == [IMAGE] and nan["severity"] == "error" and nan["hint"]
    assert (empty["code"], empty["severity"]) == ("empty-label", "warning")


def test_every_code_stands_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert pixvox("data", "verify", "--codes", "--json") == 0
    rows = {row["code"]: row for row in json.loads(capsys.readouterr().out)}
    assert DEMANDED < set(rows) == set(known_faults())
    soft = {"scaled-label", "sheared-affine", "empty-label", "constant-image", "stray-file"}
    assert soft < {code for code, row in rows.items() if row["severity"] == "warning"}


@pytest.mark.parametrize("words", [["scans/none"], ["none.npz"], ["scans", "--codes"]])
def test_what_is_not_there_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert pixvox("data", "verify", *words) == 2
    assert capsys.readouterr().err.startswith("pixvox: ")


def test_a_folder_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("none")
    assert pixvox("data", "verify", str(tmp_path)) == 2
    assert "1 .txt was found" in capsys.readouterr().err


@pytest.mark.skipif(not (DATA / "Task04_Hippocampus").is_dir(), reason="PIXVOX_DATA lacks it")
def test_two_hundred_pairs_take_less_than_twenty_seconds() -> None:
    start = time.monotonic()
    report = verify(DATA / "Task04_Hippocampus", quiet=True)
    assert time.monotonic() - start < 20 and report.images == 200
    assert [(finding.code, finding.files) for finding in report.findings] == [
        ("stray-file", ("imagesTr/hippocampus_118.nii.gz",)),
        ("stray-file", ("labelsTr/hippocampus_010.nii.gz",)),
        ("stray-file", ("labelsTr/hippocampus_281.nii.gz",)),
    ]


@pytest.mark.skipif(not (DATA / "io_nifti").is_dir(), reason="PIXVOX_DATA lacks it")
def test_awkward_real_volumes_are_told_as_they_are() -> None:
    findings = verify(DATA / "io_nifti", quiet=True).findings
    first = {finding.files[0]: finding.code for finding in findings}
    assert first == {
        "complex.nii.gz": "complex",
        "ct_perfusion.nii.gz": "rgb",
        "example4d.nii.gz": "not-3d",
        "example_nifti2.nii.gz": "not-3d",
        "functional.nii": "not-3d",
        "orientations/AIL.nii.gz": "duplicate-case",
        "resampled_anat_moved.nii": "nan",
        "shear.nii.gz": "sheared-affine",
    }
    assert Counter(len(finding.files) for finding in findings)[24] == 1
