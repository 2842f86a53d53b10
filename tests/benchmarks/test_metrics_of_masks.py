"""Metrics of masks equal MONAI's and naive loops, and say the worst of what is missed."""

import time
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.metrics import compute_hausdorff_distance, compute_iou, compute_surface_dice
from monai.metrics.meandice import compute_dice
from scipy.ndimage import gaussian_filter

from pixvox_benchmarks import surfaces
from pixvox_registry import METRICS, UserError

NAMES = ["dice", "iou", "hd95_mm", "surface_dice"]
SPACINGS = [
    (1.0, 1.0, 1.0),
    (0.7, 0.7, 2.5),
    (3.0, 0.4, 0.4),
    (0.25, 1.3, 0.9),
    (5.0, 0.977, 0.977),
]


def score(name, predicted, truth, spacing_mm, **settings):
    return METRICS.build(name, **settings).of_case(predicted, truth, spacing_mm)


def pairs(count, *, seed, side=14):
    """Smooth, speckled, thin and overlapping masks of several sizes, 2D and 3D in turn."""
    random = np.random.default_rng(seed)
    for number in range(count):
        shape = random.integers(5, side, size=2 + number % 2)
        noise = gaussian_filter(random.normal(size=(2, *shape)), (0, *[number % 3] * len(shape)))
        noise[1] += random.choice([0, 1]) * noise[0]
        level = np.quantile(noise, random.uniform(0.2, 0.97))
        predicted, truth = noise > level
        if not predicted.any():
            predicted.flat[random.integers(predicted.size)] = True
        if not truth.any():
            truth.flat[random.integers(truth.size)] = True
        yield predicted, truth


def naive_surface(mask):
    """Voxels with a face on the outside, by looking at every neighbour."""
    found = []
    for place in np.argwhere(mask):
        for axis, step in product(range(mask.ndim), (-1, 1)):
            beside = place.copy()
            beside[axis] += step
            outside = not (0 <= beside[axis] < mask.shape[axis])
            if outside or not mask[tuple(beside)]:
                found.append(place)
                break
    return found


def naive_distances(predicted, truth, spacing_mm):
    ours, theirs = naive_surface(predicted), naive_surface(truth)
    there, back = (
        [min(np.sqrt((((a - b) * spacing_mm) ** 2).sum()) for b in end) for a in start]
        for start, end in ((ours, theirs), (theirs, ours))
    )
    return there, back


def one_hot(mask):
    return torch.from_numpy(mask)[None, None].float()


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own call
@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_500_masks_at_5_spacings_score_as_in_monai(step):
    """Each mask at one of the spacings in turn; at all of them where there is time."""
    for number, (predicted, truth) in enumerate(pairs(500, seed=0)):
        p, t = one_hot(predicted), one_hot(truth)
        for name, theirs in (("dice", compute_dice(p, t)), ("iou", compute_iou(p, t))):
            ours = score(name, predicted, truth, [1] * truth.ndim)
            assert ours == pytest.approx(theirs.item(), abs=1e-6)
        for spacing in SPACINGS[number % step :: step]:
            mm = spacing[: truth.ndim]
            of_monai = {"include_background": True, "spacing": mm}
            hd95 = compute_hausdorff_distance(p, t, percentile=95, **of_monai).item()
            near = compute_surface_dice(p, t, [1.0], **of_monai).item()
            assert score("hd95_mm", predicted, truth, mm) == pytest.approx(hd95, abs=1e-4)
            assert score("surface_dice", predicted, truth, mm) == pytest.approx(near, abs=1e-6)


@pytest.mark.parametrize("sparse", [0, 10**9], ids=["by tree", "by transform"])
def test_distances_are_those_of_naive_loops_however_they_are_found(sparse, monkeypatch):
    monkeypatch.setattr(surfaces, "SPARSE", sparse)
    for predicted, truth in pairs(30, seed=1, side=9):
        mm = np.array([2.5, 0.7, 0.9][: truth.ndim])
        there, back = naive_distances(predicted, truth, mm)
        hd95 = max(np.percentile(there, 95), np.percentile(back, 95))
        assert score("hd95_mm", predicted, truth, mm) == pytest.approx(hd95, abs=1e-9)
        for tolerance in (0.0, 0.8, 3.0):
            near = np.mean([distance <= tolerance for distance in (*there, *back)])
            found = score("surface_dice", predicted, truth, mm, tolerance_mm=tolerance)
            assert found == pytest.approx(near, abs=1e-12)


def test_a_distance_of_exactly_the_tolerance_is_within_it_whatever_float32_makes_of_the_spacing():
    predicted, truth = np.zeros((2, 20, 20), bool)
    predicted[5, 5] = truth[5, 15] = True
    spacing = [float(np.float32(0.1))] * 2  # 0.10000000149
    assert score("surface_dice", predicted, truth, spacing, tolerance_mm=1.0) == 1
    assert score("surface_dice", predicted, truth, spacing, tolerance_mm=0.99) == 0


@pytest.mark.parametrize("dims", [2, 3])
def test_what_is_missed_or_made_up_scores_worst_and_nothing_at_all_does_not_count(dims):
    some, none = np.zeros((2, *[6, 8, 5][:dims]), bool)
    some[(slice(2, 4),) * dims] = True
    mm = [2.0, 0.5, 3.0][:dims]
    worst = {**dict.fromkeys(NAMES, 0.0), "hd95_mm": np.hypot.reduce([12, 4, 15][:dims])}
    for name in NAMES:
        assert score(name, none, some, mm) == pytest.approx(worst[name])
        assert score(name, some, none, mm) == pytest.approx(worst[name])
        assert np.isnan(score(name, none, none, mm))


def test_ten_missed_structures_score_the_diagonal_where_monai_says_0():
    truth = np.zeros((10, 9, 9), bool)
    truth[:, 2:5, 2:5] = True
    metric = METRICS.build("hd95_mm")
    column = np.array([[metric.of_case(np.zeros((9, 9)), one, (1, 1)) for one in truth]])
    assert metric(hd95_mm=column, weight=np.ones((1, 1))) == pytest.approx(9 * np.sqrt(2))


@st.composite
def compared(draw):
    """Two masks that both hold something, and their spacing."""
    shape = draw(st.lists(st.integers(1, 6), min_size=2, max_size=3))
    predicted, truth = draw(
        arrays(bool, (2, *shape)).filter(lambda both: both[0].any() and both[1].any())
    )
    quarters = st.integers(1, 12).map(lambda n: n / 4)
    return predicted, truth, draw(st.tuples(*[quarters] * len(shape)))


@settings(max_examples=80, deadline=None)
@given(compared())
def test_scores_are_symmetric_in_their_range_and_best_for_equal_masks(case):
    predicted, truth, mm = case
    best = {**dict.fromkeys(NAMES, 1.0), "hd95_mm": 0.0}
    diagonal = np.linalg.norm(np.array(truth.shape) * mm)
    for name in NAMES:
        found = score(name, predicted, truth, mm)
        assert found == score(name, truth, predicted, mm)
        assert 0 <= found <= (1 if name != "hd95_mm" else diagonal)
        assert score(name, truth, truth, mm) == best[name]


@settings(max_examples=80, deadline=None)
@given(compared(), st.data())
def test_flips_and_swapped_axes_change_nothing(case, data):
    predicted, truth, mm = case
    axis = data.draw(st.integers(0, truth.ndim - 1))
    for name in NAMES:
        found = score(name, predicted, truth, mm)
        flipped = score(name, np.flip(predicted, axis), np.flip(truth, axis), mm)
        assert flipped == pytest.approx(found, abs=1e-9)
        assert score(name, predicted.T, truth.T, mm[::-1]) == pytest.approx(found, abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(compared(), st.sampled_from([0.1, 0.5, 3.0, 40.0]))
def test_a_spacing_k_times_as_large_makes_distances_k_times_as_long(case, k):
    predicted, truth, mm = case
    larger = [k * spacing for spacing in mm]
    found = score("hd95_mm", predicted, truth, mm)
    assert score("hd95_mm", predicted, truth, larger) == pytest.approx(k * found, rel=1e-9)
    near = score("surface_dice", predicted, truth, mm, tolerance_mm=1.5)
    assert score("surface_dice", predicted, truth, larger, tolerance_mm=1.5 * k) == near
    for name in ("dice", "iou"):
        assert score(name, predicted, truth, larger) == score(name, predicted, truth, mm)
    missed = np.zeros_like(truth)
    worst = score("hd95_mm", missed, truth, mm)
    assert score("hd95_mm", missed, truth, larger) == pytest.approx(k * worst, rel=1e-9)
    assert found < worst


def test_masks_of_0_and_1_of_any_type_score_as_booleans_do():
    (predicted, truth), *_ = pairs(1, seed=2)
    for name in NAMES:
        found = score(name, predicted, truth, (1, 2))
        for kind in (np.uint8, np.float32, np.int64):
            assert score(name, predicted.astype(kind), truth.astype(kind), (1, 2)) == found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("one shape", lambda p, t, mm: (p[1:], t, mm)),
        ("2D or 3D", lambda p, t, mm: (p[0], t[0], mm[:1])),
        ("2D or 3D", lambda p, t, mm: (p[None, None], t[None, None], (1, 1, *mm))),
        ("2D or 3D", lambda p, t, mm: (p[:0], t[:0], mm)),
        ("predicted mask", lambda p, t, mm: (0.5 * p, t, mm)),
        ("predicted mask", lambda p, t, mm: (np.where(p, np.nan, 0), t, mm)),
        ("predicted mask", lambda p, t, mm: (2 * p, t, mm)),
        ("true mask", lambda p, t, mm: (p, 255 * t.astype(np.uint8), mm)),
        ("true mask", lambda p, t, mm: (p, np.where(t, np.nan, 1), mm)),
        ("2 positive spacings", lambda p, t, mm: (p, t, (1, 1, 1))),
        ("2 positive spacings", lambda p, t, mm: (p, t, 1.0)),
        ("2 positive spacings", lambda p, t, mm: (p, t, (1, 0))),
        ("2 positive spacings", lambda p, t, mm: (p, t, (1, np.nan))),
    ],
)
def test_masks_that_cannot_be_compared_are_an_error_and_never_a_score(name, said, fault):
    (predicted, truth), *_ = pairs(1, seed=3)
    with pytest.raises(UserError, match=said):
        score(name, *fault(predicted, truth, (1, 2)))


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_none_is_refused(tolerance):
    with pytest.raises(UserError, match="tolerance_mm wants zero or more"):
        METRICS.build("surface_dice", tolerance_mm=tolerance)


def ellipsoid(shape, centre, radii):
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    return sum(((x - c) / r) ** 2 for x, c, r in zip(grid, centre, radii, strict=True)) < 1


def test_a_large_volume_takes_seconds():
    shape = (512, 512, 100)
    truth = ellipsoid(shape, (256, 256, 50), (110, 80, 35))
    predicted = ellipsoid(shape, (252, 262, 50), (105, 85, 35))
    start = time.process_time()
    found = score("hd95_mm", predicted, truth, (0.8, 0.8, 2.5))
    assert time.process_time() - start < 10
    assert 4 < found < 12
