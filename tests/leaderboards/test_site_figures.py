"""The site's figures: curves of pretraining, distributions over cases, and the axis of a strip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.result import Result
from pixvox_leaderboards.site.curves import curve
from pixvox_leaderboards.site.histogram import histogram
from pixvox_leaderboards.site.pretraining import pretraining
from pixvox_leaderboards.site.spread import spreads
from pixvox_leaderboards.site.strip import Axis

from .site_reader import Reader

Publish = Callable[..., Path]


def test_curves_are_drawn_where_results_hold_any(publish: Publish) -> None:
    bare, told = (Result.read(publish("simclr", task=task)) for task in ("toy", "play"))
    assert "hold no curves" in Reader(pretraining([bare]).encode()).text
    curves = {
        "step": [0, 50, 100],
        "seen": [0, 800, 1600],
        "loss": [4.0, None, 1.0],
        "lr": [0.1, 0.1, 0.1],
        "said": ["begun", "", "done"],
        "torn": [1.0],
    }
    drawn = pretraining([replace(told, curves=curves)])
    assert "hold no curves" not in drawn
    assert "4 → 1" in Reader(drawn.encode()).text
    assert drawn.count("<polyline") == 2, "loss and lr; no counters, and nothing that is no figure"


def test_weights_are_told_once_with_all_tasks_that_they_were_measured_on(publish: Publish) -> None:
    one, two = (Result.read(publish("simclr", task=task)) for task in ("toy", "play"))
    assert one.weights_sha256 == two.weights_sha256
    text = Reader(pretraining([one, two]).encode()).text
    assert "Measured on play, toy, budget small" in text
    assert text.count(one.weights_sha256[:12]) == 1


def test_a_curve_goes_from_corner_to_corner_and_skips_what_is_not_finite() -> None:
    drawn = curve("loss", [([0, 50, 75, 100], [4.0, 2.0, None, 0.0])])
    points = drawn.partition('points="')[2].partition('"')[0].split()
    assert points == ["3.0,3.0", "120.0,36.0", "237.0,69.0"]
    assert "1 seed: 4 → 0" in drawn
    assert "nothing finite" in curve("loss", [([0], [None])])


def scores_of(**columns: Any) -> CaseScores:
    return CaseScores.rounded(["a", "b", "c"], columns={n: v for n, v in columns.items()})


def test_cases_show_the_metrics_own_values_where_they_have_any() -> None:
    runs = [scores_of(dice=[[0.9], [0.5], [float("nan")]]), scores_of(dice=[[0.7], [0.1], [0.2]])]
    (found,) = spreads("dice", runs, higher_is_better=True)
    np.testing.assert_allclose(sorted(found.values), [0.3, 0.8])
    assert found.undefined == 1 and found.is_share
    assert [case for case, _ in found.worst] == ["b", "a"]
    drawn = histogram(found)
    assert "median 0.550" in drawn and "undefined 1" in drawn
    assert drawn.count("<rect") == 2


def test_worst_is_largest_where_less_is_better_and_structures_stand_apart() -> None:
    runs = [scores_of(hd95_mm=[[1.0, 5.0], [2.0, 6.0], [30.0, 7.0]])]
    first, second = spreads("hd95_mm", runs, higher_is_better=False)
    assert first.worst[0] == ("c", 30.0) and not first.is_share
    assert second.what == "hd95_mm, structure 2"


def test_where_a_case_has_no_score_its_probability_of_the_truth_is_shown() -> None:
    cases = CaseScores.rounded(["a", "b", "c"], [0, 1, 1], [[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]])
    zero, one = spreads("auc", [cases], higher_is_better=True)
    assert zero.values.tolist() == [0.8]
    assert sorted(one.values.tolist()) == [0.4, 0.9]
    assert one.worst[0] == ("b", 0.4)
    labels = CaseScores.rounded(["a"], [[1, 0]], [[0.8, 0.3]])
    (both,) = spreads("auc", [labels], higher_is_better=True)
    assert both.values == pytest.approx([0.75])
    assert spreads("auc", [scores_of(dice=[1, 1, 1])], higher_is_better=True) == []


def test_an_axis_holds_its_ends_and_is_never_a_point() -> None:
    axis = Axis.of([0.2, None, 0.6])
    assert (axis.at(0.2), axis.at(0.4), axis.at(0.6), axis.at(None)) == (4.0, 50.0, 96.0, None)
    assert Axis.of([0.5]).at(0.5) == 4.0
