"""``pixvox score`` on outlines: as the cell that drew them, each case once, none left out."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from pixvox_benchmarks.predictions import save
from pixvox_benchmarks.scoring import score
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.task_line import task_of
from pixvox_registry import TASKS
from pixvox_registry.scans import Scans

from .odd_axes import TEST, pixvox, published, turned

pytestmark = pytest.mark.usefixtures("lent")


def per_case(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def scores_of(document: dict[str, Any]) -> dict[tuple[str, str | None], dict[str, Any]]:
    return {(row["metric"], row["structure"]): row for row in document["scores"]}


@pytest.mark.parametrize("task", ["odd_axes", "phantom_organs_2d", "phantom_organs_3d"])
def test_kept_outlines_score_exactly_as_the_cell_that_drew_them(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome, out = published(task, tmp_path / "drawn"), tmp_path / "cases.csv"
    assert pixvox(tmp_path / "drawn", "--task", task, "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    about, cases = task_of(task), outcome.cases
    scores, intervals = score(cases, about.metrics)
    for metric in about.metrics:
        row = scores_of(told)[metric, None]
        assert row["score"] == scores[metric] and row["interval"] == intervals[metric]
    assert told["task_sha256"] == about.fingerprint() and told["missing"] == []
    rows = per_case(out)
    assert tuple(row["id"] for row in rows) == cases.ids
    assert {row["missing"] for row in rows} == {"0"}
    seen = 0
    for metric, values in cases.columns.items():
        for place, structure in enumerate(("organ", "neighbour")):
            column = [figures[place] for figures in values]
            written = [float(row[f"{metric} {structure}"] or "nan") for row in rows]
            np.testing.assert_array_equal(written, column)
            seen += int(np.isfinite(column).sum())
            mean = scores_of(told)[metric, structure]["score"]
            assert mean == pytest.approx(np.nanmean(column), abs=1e-12)
    assert seen > 4 * len(rows)  # most figures apply


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("stray", "answers 1 that are no cases of this split: p/c8. Did you mean 'p/c"),
        ("val", "answers 1 that are no cases of this split: p/c2."),
        ("two", "answers p/c4 more than once"),
        ("missing", "answers 3 of 4 cases; missing are p/c5. Predict them or score the missing"),
        ("nothing", "files that end in .nii, .nii.gz were looked for, nothing was found"),
    ],
)
def test_a_folder_answers_each_case_once_and_no_other(
    fault: str, said: str, drawn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (drawn / "plans.json").write_text("{}")  # nnU-Net leaves some
    (drawn / "p" / "._c9.nii.gz").write_bytes(b"")  # and so do some file systems
    assert pixvox(drawn, "--task", "odd_axes") == 0
    first = drawn / "p" / "c4.nii.gz"
    if fault == "stray":
        (drawn / "p" / "c8.nii.gz").write_bytes(first.read_bytes())
    elif fault == "val":
        (drawn / "p" / "c2.NII.GZ").write_bytes(first.read_bytes())
    elif fault == "two":
        nibabel.save(nibabel.load(first), drawn / "p" / "c4.nii")
    elif fault == "missing":
        (drawn / "p" / "c5.nii.gz").unlink()
    else:
        for file in drawn.rglob("*.*"):
            file.unlink()
    capsys.readouterr()
    options = () if fault == "missing" else ("--allow-missing",)
    assert pixvox(drawn, "--task", "odd_axes", *options) == 1
    told = capsys.readouterr()
    assert told.out == "" and said in told.err


def test_a_missing_case_scores_the_worst_of_each_metric(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans = task_of("odd_axes").scans("test")
    for row, case in enumerate(TEST):
        labels = scans.truth_of(row).mask.numpy().transpose(2, 1, 0)
        nibabel.save(turned(labels, "RAS"), drawn / f"{case}.nii.gz")
    (drawn / "p" / "c7.nii.gz").unlink()  # its truth has no neighbour
    out = tmp_path / "cases.csv"
    assert pixvox(drawn, "--task", "odd_axes", "--allow-missing", "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n_scored"], told["n_expected"], told["missing"]) == (3, 4, ["p/c7"])
    wanted = {"dice": 3 / 4, "iou": 3 / 4, "hd95_mm": 25 / 4, "surface_dice": 3 / 4}
    for (metric, _), row in scores_of(told).items():
        assert row["score"] == pytest.approx(wanted[metric], abs=1e-9)
        assert (row["n_scored"], row["n_expected"]) == (3, 4)
    assert len(told["scores"]) == 3 * len(wanted)
    *others, last = per_case(out)
    assert [row["missing"] for row in others] == ["0"] * 3 and last["missing"] == "1"
    assert {row["dice neighbour"] for row in others} == {"1.0"}
    assert (last["dice neighbour"], last["hd95_mm neighbour"]) == ("0.0", "25.0")
    assert pixvox(drawn, "--task", "odd_axes", "--allow-missing") == 0
    told = capsys.readouterr()
    header, _, *lines = told.out.splitlines()
    assert header.split()[-1] == "n" and len(lines) == 12
    assert all(line.endswith(" 3/4") for line in lines)
    assert "scored worst, as nothing was predicted: p/c7" in told.err
    assert "3/4 cases of test were predicted" in told.err
    assert "a case is one patient; nothing may be chosen by these scores" in told.err


def test_a_structure_that_is_nowhere_has_no_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = task_of("odd_axes").scans("test")
    labels = lost.truth_of(3).mask.numpy().transpose(2, 1, 0)
    nibabel.save(turned(labels, "LAS"), tmp_path / "c7.nii.gz")

    @dataclass(frozen=True)
    class One:
        dims: int = 3
        name: str = "one"

        def scans(self, split: str) -> Scans:
            ids = "c7" if split == "test" else split
            return replace(lost.chosen([3]), ids=(ids,))

    def one() -> SegmentationTask:
        return replace(task_of("odd_axes"), name="one", source=One(), metrics=("dice",))

    with TASKS.lend("one", one):
        assert pixvox(tmp_path, "--task", "one") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [(line[1], line[3]) for line in lines[:2]] == [("mean", "1"), ("organ", "1")]
    assert lines[2] == ["dice", "neighbour", "higher", "0", "1/1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("{drawn}", "--task", "odd_axis"),
            "No task is called 'odd_axis'. Did you mean 'odd_axes'",
        ),
        (("{drawn}", "--task", "odd_axes", "--split", "tset"), "Did you mean 'test'"),
        (("{drawn}/nowhere", "--task", "odd_axes"), "wants a folder"),
        (("{drawn}", "--task", "odd_axes", "--out", "{drawn}"), "--out wants a file of its own"),
    ],
)
def test_a_wrong_question_leaves_with_two(
    words: tuple[str, ...], said: str, drawn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pixvox(*(word.format(drawn=drawn) for word in words)) == 2
    assert said in capsys.readouterr().err


def test_another_split_is_no_matter_of_boards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans = task_of("odd_axes").scans("val")
    save([scan.mask for scan in scans], scans, tmp_path / "drawn")
    assert pixvox(tmp_path / "drawn", "--task", "odd_axes", "--split", "val") == 0
    said = capsys.readouterr().err
    assert "2/2 cases of val were predicted" in said and "boards score test" in said
    assert "nothing may be chosen" not in said
