"""Planning, running and forecasting a grid of guests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.forecast import forecast
from pixvox_benchmarks.grid import Grid, Workshop
from pixvox_benchmarks.plan import Plan, plan
from pixvox_benchmarks.result import Result, results_below
from pixvox_benchmarks.runner import run
from pixvox_benchmarks.scoring import score
from pixvox_registry import METRICS, UserError, registry
from pixvox_registry.source_code import digest_of_code


def grid(*methods: str, seeds: int = 1) -> Grid:
    names = tuple(f"guest:{method}" for method in methods)
    return Grid(
        methods=names, tasks=("squares",), protocols=("nearest",), seeds=seeds, budget="tiny"
    )


def in_turn(jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
    """An engine without processes; an error fails its job alone."""
    for job in jobs:
        try:
            job()
        except Exception as error:
            report(job, str(error))
        else:
            report(job, None)


def finished(planned: Plan) -> dict[str, str]:
    return run(planned, in_turn, threads=1, quiet=True)


def test_a_grid_is_measured_once_and_its_figures_follow_from_its_files(
    house: Path, tmp_path: Path, tally: Callable[[str], int]
) -> None:
    planned = plan(grid("plain", "other", seeds=2), tmp_path / "out")
    assert len(planned.cells) == len(planned.missing()) == 4
    assert finished(planned) == {} and not planned.missing()
    again = plan(grid("plain", "other", seeds=2), tmp_path / "out")
    assert not again.missing() and finished(again) == {}
    assert [tally(f"make-{m}-{s}") for m in ("plain", "other") for s in (0, 1)] == [1] * 4
    assert [tally(f"load-{m}-{s}") for m in ("plain", "other") for s in (0, 1)] == [1] * 4
    for file in results_below(planned.results):
        result = Result.read(file)
        cases = result.read_cases(file)
        assert (result.n_scored, result.n_expected, result.units) == (24, 24, "image")
        assert result.provenance["test_openings"] == 1
        assert result.provenance["weights"]["backbone"] == "toy"
        assert result.provenance["weights"]["budget"] == {"name": "own"}
        assert result.plugins["protocol/nearest"].startswith("guest 0.1 ")
        probability, target = np.array(cases.probability), np.array(cases.target)
        for name in result.metrics:
            naive = METRICS.build(name)(probability, target, np.ones((1, 24)))[0]
            assert result.scores[name] == naive
            assert result.intervals[name]["low"] <= naive <= result.intervals[name]["high"]


@pytest.mark.parametrize(
    "change", ["task", "flips", "protocol", "code", "distribution", "metric", "budget"]
)
def test_any_change_of_what_is_asked_asks_anew(
    change: str, house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = plan(grid("plain"), tmp_path)
    assert finished(first) == {}
    asked = grid("plain")
    if change == "task":
        monkeypatch.setenv("SQUARES_VERSION", "2")
    elif change == "protocol":
        from guest_protocol import Nearest

        monkeypatch.setattr(Nearest, "version", "2")
    elif change == "flips":
        monkeypatch.setenv("SQUARES_FLIPS", "0")
    elif change == "code":
        file = house / "guest_protocol.py"
        file.write_text(file.read_text().replace("sharpness=1.0", "sharpness=2.25"))
        digest_of_code.cache_clear()
    elif change == "distribution":
        facts = house / "guest-0.1.dist-info" / "METADATA"
        facts.write_text(facts.read_text().replace("0.1", "0.2"))
        registry._installed.cache_clear()
    elif change == "metric":
        monkeypatch.setattr(METRICS.get("auc"), "version", "2")
    else:
        asked = Grid(**{**vars(asked), "budget": "small"})
    assert len(plan(asked, tmp_path).missing()) == 1


def test_an_edited_result_is_set_aside_and_measured_again(house: Path, tmp_path: Path) -> None:
    planned = plan(grid("plain"), tmp_path)
    finished(planned)
    (file,) = results_below(planned.results)
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b'"n_scored": 24', b'"n_scored": 23'))
    assert len(planned.missing()) == 1
    assert finished(planned) == {} and not planned.missing()
    assert file.with_name(f"{file.name}.damaged").exists()
    assert Result.read(file).scores == json.loads(sound)["scores"]
    assert Result.read(file).read_cases(file)


def test_weights_that_cannot_be_made_lose_their_cells_only(house: Path, tmp_path: Path) -> None:
    planned = plan(grid("plain", "nan"), tmp_path)

    def flaky(jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
        in_turn([job for job in jobs if "make-guest_plain" not in job.name], report)
        for job in jobs:
            if "make-guest_plain" in job.name:
                report(job, "out of memory")

    failures = run(planned, flaky, threads=1, quiet=True)
    assert failures["make-guest_plain-squares-tiny-s0"] == "out of memory"
    lost = failures["measure-guest_plain-squares-tiny-s0-nearest"]
    assert lost == "its weights were not made"
    refused = failures["measure-guest_nan-squares-tiny-s0-nearest"]
    assert "NaN or infinity for 24 of 24 cases (train/0" in refused


def test_what_another_coordinator_finished_meanwhile_is_no_failure(
    house: Path, tmp_path: Path
) -> None:
    planned = plan(grid("plain"), tmp_path)

    def late(jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
        for job in jobs:
            job()  # by somebody else
            report(job, "Process 7 is writing there.")

    assert run(planned, late, threads=1, quiet=True) == {}
    assert not planned.missing()


def test_parts_that_do_not_fit_are_refused_by_the_plan_or_left_out(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = tmp_path / "flat.yaml"
    flat.write_text(
        "title: Flat\nviews: {name: plain}\n"
        "backbone: {name: timm, settings: {model: resnet18}}\nepochs: 0\n"
    )
    solid = Grid(**{**vars(grid()), "methods": (str(flat),), "tasks": ("phantom_shapes_3d",)})
    with pytest.raises(UserError, match="timm"):
        plan(solid, tmp_path / "out")
    both = Grid(**{**vars(solid), "methods": (str(flat), "random_init")})
    cells = plan(both, tmp_path / "out", lenient=True).cells
    assert {planned.cell.pretraining.method for planned in cells} == {"random_init"}
    assert "left out of phantom_shapes_3d: backbone 'timm'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_job_that_says_done_without_a_result_failed(house: Path, tmp_path: Path) -> None:
    def lying(jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
        for job in jobs:
            report(job, None)

    failures = run(plan(grid("plain"), tmp_path), lying, threads=1, quiet=True)
    assert list(failures.values()) == ["its weights were not made"]


def test_data_that_changed_while_the_grid_ran_is_noticed(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(grid("plain"), tmp_path)
    monkeypatch.setenv("SQUARES_VERSION", "2")
    (error,) = finished(planned).values()
    assert "Something changed while the grid ran" in error


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ("guest:plane",)}, "No projection is called 'plane'"),
        ({"tasks": ("square",)}, "Did you mean 'squares'"),
        ({"protocols": ("nearst",)}, "Did you mean 'nearest'"),
        ({"budget": "tinny"}, "Did you mean 'tiny'"),
    ],
)
def test_names_are_checked_before_anything_runs(
    changes: dict[str, Any], message: str, house: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        plan(Grid(**{**vars(grid("plain")), **changes}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_forecast_counts_what_is_left_and_writes_nothing(house: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = forecast(plan(grid("plain", "other", seeds=2), out))
    assert [row["method"] for row in rows] == ["guest:plain", "guest:other", "total"]
    assert [row["pretraining_s"] for row in rows] == [25.0, 25.0, 50.0]
    assert rows[-1]["cells"] == 4 and rows[-1]["finished"] == 0
    assert rows[-1]["total_s"] >= 50.0 and rows[-1]["disk_mib"] >= 4.0
    assert not out.exists()
    finished(plan(grid("plain", seeds=2), out))
    plain, other, _ = forecast(plan(grid("plain", "other", seeds=2), out))
    assert (plain["finished"], plain["total_s"], plain["disk_mib"]) == (2, 0, 0)
    assert (other["finished"], other["pretraining_s"]) == (0, 25.0)


def test_scores_come_from_rounded_probabilities() -> None:
    third = 1 / 3
    cases = CaseScores.rounded("abcd", [0, 1, 0, 1], [[third, 1 - third]] * 4)
    scores, intervals = score(cases, ("accuracy", "auc"))
    assert scores == {"accuracy": 0.5, "auc": 0.5}
    assert intervals["auc"]["method"] == "percentile" and intervals["auc"]["note"]


def test_a_method_is_a_recipe_unless_it_names_its_maker(house: Path) -> None:
    named, plain = (
        Workshop.of(Grid(**{**vars(grid("x")), "methods": (method,)}).pretrainings()[0])
        for method in ("guest:a:b", "simclr")
    )
    assert (named.maker_name, named.order.method) == ("guest", "a:b")
    assert (plain.maker_name, plain.order.method) == ("recipe", "simclr")
    assert named.order.flips == (1,) and named.order.split == "train"
