"""``pixvox score`` on outlines: as the cell that drew them, and every fault refused."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from nibabel import orientations
from PIL import Image

from pixvox_benchmarks.commands.score import score as command
from pixvox_benchmarks.examination import Outcome, examine
from pixvox_benchmarks.outline_file import read_outline
from pixvox_benchmarks.outline_folder import read_outlines
from pixvox_benchmarks.predictions import save
from pixvox_benchmarks.scoring import score
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.task_line import task_of
from pixvox_registry import COMMANDS, PROTOCOLS, SOURCES, TASKS
from pixvox_registry.__main__ import main
from pixvox_registry.contracts import Pretrained
from pixvox_registry.intensity import Intensity
from pixvox_registry.measuring import Segmentation
from pixvox_registry.scans import Scan, Scans

SIDES, SPACING_MM = (12, 10, 8), (1.0, 1.5, 2.0)  # a diagonal of 25 mm
AXES = ("RAS", "LPI", "SRA", "AIL", "PSR", "RAS", "ILP", "SAL")
TEST = ("p/c4", "p/c5", "p/c6", "p/c7")  # in c7 nothing but the organ is there


def pixvox(*words: object) -> int:
    with COMMANDS.lend("score", command):
        try:
            main(["score", *map(str, words)])
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def turned(voxels: Any, axes: str) -> Any:
    """Voxels on canonical axes, as a file that stores them in another order."""
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = (-5, 7, 30)
    turn = orientations.axcodes2ornt(axes)
    stored = orientations.apply_orientation(voxels, turn)
    return nibabel.Nifti1Image(stored, affine @ orientations.inv_ornt_aff(turn, voxels.shape))


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight volumes of two structures, each stored in an order of its own."""
    root, draw = tmp_path_factory.mktemp("scans"), np.random.default_rng(0)
    for number, axes in enumerate(AXES):
        labels = np.zeros(SIDES, np.uint8)
        labels[2 : 6 + number % 3, 2:7, 1:5] = 1
        if number < 7:
            labels[7 + number % 2 :, 3:9, 3:7] = 2
        for what, voxels in (("masks", labels), ("images", draw.normal(size=SIDES))):
            file = root / what / "p" / f"c{number}.nii.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(
                turned(voxels.astype(np.float32 if what == "images" else "u1"), axes), file
            )
    splits = {"train": ["p/c0", "p/c1"], "val": ["p/c2", "p/c3"], "test": TEST}
    (root / "splits.json").write_text(json.dumps(splits))
    return root


@pytest.fixture(autouse=True)
def lent(scanned: Path) -> Iterator[None]:
    """A task on these files, resampled for whoever outlines, and a protocol that errs a little."""

    def odd_axes() -> SegmentationTask:
        return SegmentationTask(
            name="odd_axes",
            source=SOURCES.build(
                "nifti",
                str(scanned),
                images="images",
                masks="masks",
                splits=str(scanned / "splits.json"),
                spacing_mm=1.2,
                volume_size=12,
            ),
            structures=("organ", "neighbour"),
            patch_size=8,
            licence="CC0-1.0",
            units="patient",
            flips=(),
        )

    with TASKS.lend("odd_axes", odd_axes), PROTOCOLS.lend("shifted", Shifted):
        yield


class Shifted:
    version, sees = "1", "scans"

    def __call__(self, train: Scans, val: Scans, test: Any, trial: Any) -> Segmentation:
        masks = [scan.mask.roll(1, 0) for scan in test()]
        masks[1] = torch.where(masks[1] == 2, 0, masks[1])  # one structure is missed
        return Segmentation(tuple(masks), {})


def published(task: str, folder: Path) -> Outcome:
    """What a cell publishes of its cases; its outlines are kept as ``--predictions`` does."""
    nobody = Pretrained(torch.nn.Identity(), Intensity((0.0,), (1.0,), (0.0, 1.0)), 8, "", {})
    outcome = examine("shifted", task_of(task), nobody, "tiny", 0)
    save(outcome.masks, task_of(task).scans("test"), folder)
    return outcome


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    published("odd_axes", tmp_path / "drawn")
    return tmp_path / "drawn"


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


def test_any_order_of_axes_is_the_same_outline(scanned: Path, tmp_path: Path) -> None:
    scans = task_of("odd_axes").scans("test")
    labels = scans.truth_of(1).mask.numpy().transpose(2, 1, 0)
    orders = [
        "".join(picked) for axes in permutations(("LR", "PA", "IS")) for picked in product(*axes)
    ]
    assert len(orders) == 48
    for axes in orders:
        for dtype in (np.uint8, np.float32):
            file = tmp_path / "mask.nii"
            nibabel.save(turned(labels.astype(dtype), axes), file)
            found = read_outline(file, scans, 1)
            assert np.array_equal(found, scans.truth_of(1).mask.numpy()), axes


def moved(file: Path, change: Callable[[Any], Any]) -> None:
    """Another affine under the same voxels."""
    image = nibabel.load(file)
    affine = change(image.affine.copy())
    voxels = np.asarray(image.dataobj)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), file)


def refilled(file: Path, change: Callable[[Any], Any], dtype: Any = np.float32) -> None:
    """Other voxels under the same affine."""
    image = nibabel.load(file)
    voxels = change(np.asarray(image.dataobj).astype(dtype))
    nibabel.save(nibabel.Nifti1Image(voxels, image.affine), file)


def rewritten(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def with_corner(value: float) -> Callable[[Any], Any]:
    def change(voxels: Any) -> Any:
        voxels[0, 0, 0] = value
        return voxels

    return change


def rotation(affine: Any) -> Any:
    turn, angle = np.eye(4), np.radians(2)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ affine


def colours(voxels: Any) -> Any:
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    return np.zeros(voxels.shape, rgb)


SHIFT = np.array([[0, 0, 0, 1.0], [0] * 4, [0] * 4, [0] * 4])
VOLUME_FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "sides": (lambda f: refilled(f, lambda v: v[1:]), "8 x 10 x 11 voxels of 2 x 1.5 x 1 mm, the "),
    "spacing": (lambda f: moved(f, lambda a: a @ np.diag([1.01, 1, 1, 1])), "1.01 mm, the image"),
    "shift": (lambda f: moved(f, lambda a: a + SHIFT), "up to 1 voxels (1 mm) from those of its"),
    "rotation": (lambda f: moved(f, rotation), "its affine is [[0.99"),
    "flip": (
        lambda f: moved(f, lambda a: np.diag([-1, 1, 1, 1]) @ a),
        "from those of its original",
    ),
    "no affine": (lambda f: moved(f, lambda a: np.diag([*SPACING_MM, 1])), "from those of its"),
    "no label": (
        lambda f: refilled(f, with_corner(3)),
        "the value 3; labels are 0, 1 organ, 2 nei",
    ),
    "negative": (lambda f: refilled(f, with_corner(-1)), "other values than labels from 0 to 255"),
    "soft": (lambda f: refilled(f, with_corner(0.5)), "other values than labels from 0 to 255"),
    "nan": (lambda f: refilled(f, with_corner(np.nan)), "NaN or infinity"),
    "colours": (lambda f: refilled(f, colours), "no plain numbers"),
    "channels": (lambda f: refilled(f, lambda v: np.stack([v, v], -1)), "is no volume"),
    "cut": (lambda f: rewritten(f, f.read_bytes()[:-8]), "EOFError"),
    "no nifti": (lambda f: rewritten(f, gzip.compress(b"label")), "ImageFileError"),
}


@pytest.mark.parametrize("name", VOLUME_FAULTS)
def test_a_volume_that_is_no_label_map_of_its_original_is_refused(
    name: str, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault, said = VOLUME_FAULTS[name]
    moved(drawn / "p" / "c4.nii.gz", lambda affine: affine + 0.02 * SHIFT)  # rounding, no fault
    file = drawn / "p" / "c6.nii.gz"
    nibabel.save(turned(np.ones(SIDES, np.uint8), "RAS"), file)
    assert pixvox(drawn, "--task", "odd_axes", "--out", tmp_path / "x.csv") == 0
    capsys.readouterr()
    fault(file)
    assert pixvox(drawn, "--task", "odd_axes", "--out", tmp_path / "y.csv") == 1
    told = capsys.readouterr()
    assert told.out == "" and not (tmp_path / "y.csv").exists()
    assert "1 of 4 files" in told.err and "p/c6.nii.gz (" in told.err
    assert said in told.err


def picture(file: Path, mode: str, value: int, sides: tuple[int, int] = (32, 32)) -> None:
    Image.new(mode, sides, value).save(file)


PICTURE_FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "sides": (lambda f: picture(f, "L", 1, (30, 32)), "32 x 30 pixels, its original 32 x 32"),
    "colours": (lambda f: picture(f, "RGB", 1), "a picture of mode RGB"),
    "no label": (lambda f: picture(f, "L", 255), "the value 255; labels are 0, 1 organ, 2 nei"),
    "deep": (lambda f: picture(f, "I;16", 257), "other values than labels from 0 to 255"),
    "no png": (lambda f: rewritten(f, b"label"), "UnidentifiedImageError"),
}


@pytest.mark.parametrize("name", PICTURE_FAULTS)
def test_a_picture_that_is_no_label_map_of_its_original_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault, said = PICTURE_FAULTS[name]
    published("phantom_organs_2d", tmp_path)
    fault(tmp_path / "test" / "00003.png")
    assert pixvox(tmp_path, "--task", "phantom_organs_2d") == 1
    told = capsys.readouterr()
    assert told.out == "" and "1 of 64 files" in told.err and "test/00003.png (" in told.err
    assert said in told.err


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16"])
def test_a_picture_of_any_depth_that_holds_labels_is_read(mode: str, tmp_path: Path) -> None:
    scans = task_of("phantom_organs_2d").scans("test")
    picture(tmp_path / "x.png", mode, 1)
    found = read_outline(tmp_path / "x.png", scans, 0)
    assert found.dtype == np.uint8 and (found == 1).all() and found.shape == (32, 32)


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


def test_whatever_a_case_is_called_its_file_is_found(tmp_path: Path) -> None:
    mask = torch.ones(4, 5, 6, dtype=torch.uint8)
    scan = Scan(id="", image=mask[None], mask=mask, spacing_mm=(3.0, 2.0, 1.0))
    ids = ("a/scan.nii.gz", "../b", "/abs/c.nii", "d.v1", "e.gz")
    scans = Scans(read=lambda row: scan, ids=ids, dims=3, in_channels=1)
    save([mask * (row % 2) for row in range(5)], scans, tmp_path / "drawn")
    found = read_outlines(tmp_path / "drawn", scans, ("organ",))
    assert [int(found[row].max()) for row in range(5)] == [0, 1, 0, 1, 0]


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
