"""The meter of views: rows say what was raced, and what is not installed."""

import time

import pytest
import torch

from pixvox_registry.kinds import METERS
from pixvox_zoo.meters import views as meter


def absent(images):
    raise ModuleNotFoundError("No module named 'kornia'", name="kornia")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(meter, "BATCHES", {2: ((4, 8),), 3: ((2, 6),)})
    monkeypatch.setattr(meter, "TURNS", 2)


def test_rows_hold_both_sides_and_their_ratio(small, monkeypatch):
    monkeypatch.setattr(meter, "lightly", lambda images: lambda: time.sleep(0.02))
    monkeypatch.setattr(meter, "kornia", absent)
    raced, missing = METERS.get("views")("simclr", 2, 0.02)
    assert raced["what"] == "views_over_lightly_8px"
    assert raced["ratio"] == pytest.approx(raced["ours"] / raced["other"])
    assert raced["other"] == pytest.approx(4 / 0.02, rel=0.5)
    assert missing["ours"] > 0
    assert missing["other"] is None and missing["ratio"] is None
    assert "kornia is not installed" in missing["unit"]


def test_volumes_race_against_monai(small, monkeypatch):
    monkeypatch.setattr(meter, "monai", lambda images: lambda: [images, images])
    (row,) = METERS.get("views")(None, 3, 0.02)
    assert row["what"] == "views_over_monai_6px"


@pytest.mark.parametrize("dims", [2, 3])
def test_ours_makes_two_views_a_call_and_new_ones_each_time(dims):
    images = torch.rand(4, 1, *[8] * dims)
    way = meter.of_recipe("simclr", images)
    first, second = way(), way()
    assert [view.image.shape for view in first] == [images.shape] * 2
    assert not torch.equal(first[0].image, second[0].image)
