"""Every metric says its direction, range and conventions, keeps them, and refuses NaN."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from pixvox_benchmarks.commands.metrics_page import metrics_page
from pixvox_benchmarks.conventions import BEGIN, END, renewed, table
from pixvox_registry import METRICS, UserError

PAGE = Path(__file__).parents[2] / "benchmarks" / "README.md"
LOWER_IS_BETTER = {"brier", "expected_calibration_error", "hd95_mm"}
OF_MASKS = [name for name in METRICS if hasattr(METRICS.get(name), "of_case")]
CASES = 12


def columns_of(name):
    """What the metric names: a prediction at random, and weights that count each case once."""
    random = np.random.default_rng(5)
    known = {
        "target": np.arange(CASES) % 3,
        "probability": random.dirichlet(np.ones(3), size=CASES),
        "cluster": random.integers(4, size=CASES).astype(float),
        "silhouette": random.uniform(-1, 1, size=CASES),
    }
    scores = random.random((CASES, 2))
    named = inspect.signature(METRICS.build(name).__call__).parameters.keys() - {"weight"}
    return {column: known.get(column, scores) for column in named}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_tells_its_version_direction_range_and_conventions(name):
    metric = METRICS.build(name)
    low, high = metric.range
    assert isinstance(metric.version, str) and metric.version
    assert metric.higher_is_better is (name not in LOWER_IS_BETTER)
    assert isinstance(metric.stratified, bool)
    assert low < (np.inf if high is None else high)
    for told in (metric.conventions, getattr(metric, "of_labels", "Refused.")):
        assert told.endswith(".") and told.count(".") == 1


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_scores_every_weighting_and_stays_in_its_range(name):
    metric, columns = METRICS.build(name), columns_of(name)
    weight = np.random.default_rng(6).integers(1, 4, size=(7, CASES)).astype(float)
    found = metric(**columns, weight=weight)
    low, high = metric.range
    assert found.shape == (7,) and (found >= low).all()
    assert high is None or (found <= high).all()
    alone = [metric(**columns, weight=row[None])[0] for row in weight]
    np.testing.assert_allclose(found, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_refuses_what_is_not_a_number(name):
    metric, columns = METRICS.build(name), columns_of(name)
    once = np.ones((1, CASES))
    with pytest.raises(UserError, match="nan"):
        metric(**columns, weight=np.where(np.arange(CASES) == 3, np.nan, once))
    with pytest.raises(UserError, match="weights"):
        metric(**columns, weight=once[:, 1:])
    if name in OF_MASKS:  # there NaN means that a structure is not there, which a mask must say
        with pytest.raises(UserError, match="predicted mask"):
            metric.of_case(np.full((4, 4), np.nan), np.eye(4), (1.0, 1.0))
        return
    (judged,) = columns.keys() - {"target"}
    spoilt = columns[judged].astype(float)
    spoilt[3] = np.nan
    with pytest.raises(UserError):
        metric(**{**columns, judged: spoilt}, weight=once)


@pytest.mark.parametrize("name", sorted({"nmi", "ari", "hungarian_accuracy"}))
def test_clusters_of_no_case_or_of_other_cases_are_refused(name):
    for cases in (0, 3):
        with pytest.raises(UserError, match="clusters"):
            METRICS.build(name)(np.zeros(cases), np.zeros(0, int), np.ones((1, cases)))


def test_clusterings_that_say_nothing_score_as_their_conventions_say():
    once, many = np.ones((1, 4)), np.array([0, 1, 1, 1])
    nmi, ari = METRICS.build("nmi"), METRICS.build("ari")
    assert nmi(np.zeros(4), many, once) == nmi(np.zeros(4), np.zeros(4, int), once) == 0
    assert ari(np.zeros(4), many, once) == 0
    assert ari(np.zeros(4), np.zeros(4, int), once) == ari(np.arange(4.0), np.arange(4), once) == 1
    worst = ari(np.array([0.0, 0, 1, 1]), np.array([0, 1, 0, 1]), once)
    assert worst == pytest.approx(METRICS.get("ari").range[0])


def test_silhouettes_of_no_case_are_refused():
    with pytest.raises(UserError, match="silhouette for each"):
        METRICS.build("silhouette")(np.zeros(0), np.zeros(0, int), np.ones((1, 0)))


def test_the_page_shows_the_table_as_it_is():
    page = PAGE.read_text()
    assert page == renewed(page), "the table of metrics is stale: see conventions.renewed"


def test_the_table_has_a_line_for_every_metric():
    lines = table().splitlines()[2:]
    assert [line.split()[1] for line in lines] == list(METRICS)
    for line, name in zip(lines, METRICS, strict=True):
        metric = METRICS.get(name)
        assert metric.conventions in line
        assert getattr(metric, "of_labels", "Refused.") in line
        assert ("higher" if metric.higher_is_better else "lower") in line
    (surface_dice,) = [line for line in lines if "surface_dice" in line]
    assert "tolerance_mm=1" in surface_dice and "from 0 to 1" in surface_dice


def test_the_command_renews_the_table_of_a_page_and_wants_one(tmp_path, capsys):
    page = tmp_path / "page.md"
    with pytest.raises(UserError, match=r"looked for at .*page\.md"):
        metrics_page(page)
    page.write_text(f"above\n{BEGIN}\nyesterday\n{END}\nbelow\n")
    metrics_page(page)
    assert page.read_text() == f"above\n{BEGIN}\n\n{table()}\n\n{END}\nbelow\n"
    assert capsys.readouterr().err.count("wrote") == 1
    metrics_page(page)
    assert not capsys.readouterr().err  # nothing was stale


def test_a_stale_table_is_renewed_and_a_page_without_marks_is_refused():
    once = renewed(f"above\n{BEGIN}\nyesterday\n{END}\nbelow\n")
    assert once == f"above\n{BEGIN}\n\n{table()}\n\n{END}\nbelow\n" == renewed(once)
    for page in ("above", f"{BEGIN} only", f"{END} before {BEGIN}"):
        with pytest.raises(UserError, match="metrics:begin"):
            renewed(page)
