"""Tone: every operation against a loop over images and channels."""

import pytest
import torch

from pixvox_zoo import tone
from pixvox_zoo.chance import perhaps, rows_of


@pytest.mark.parametrize("shape", [(6, 6), (4, 4, 4)])
@pytest.mark.parametrize("channels", [1, 3])
def test_grade_is_contrast_about_the_mean_then_brightness(shape, channels):
    images = torch.randn(3, channels, *shape)
    contrast, brightness = torch.rand(3, 1) + 0.5, torch.randn(3, channels)
    wanted = images.clone()
    for row in range(3):
        for c in range(channels):
            mean = images[row, c].mean()
            wanted[row, c] = mean + contrast[row, 0] * (images[row, c] - mean) + brightness[row, c]
    tone.grade(images, contrast, brightness)
    torch.testing.assert_close(images, wanted, atol=1e-5, rtol=0)


def test_grade_with_neutral_settings_changes_no_bit():
    images = torch.randn(3, 2, 5, 5)
    before = images.clone()
    tone.grade(images, torch.ones(3, 1), torch.zeros(3, 1))
    assert torch.equal(images, before)


def test_bend_is_a_power_between_darkest_and_brightest_of_each_channel():
    images, gamma = torch.randn(3, 2, 4, 5), torch.tensor([0.5, 2.0])
    wanted = images.clone()
    for row, exponent in ((0, 0.5), (2, 2.0)):
        for c in range(2):
            low, high = images[row, c].min(), images[row, c].max()
            wanted[row, c] = (
                low + (high - low) * ((images[row, c] - low) / (high - low)) ** exponent
            )
    tone.bend(images, torch.tensor([0, 2]), gamma)
    torch.testing.assert_close(images, wanted, atol=1e-5, rtol=0)


def test_a_constant_image_stays_and_is_finite():
    images = torch.full((2, 1, 4, 4), 3.0)
    tone.bend(images, torch.arange(2), torch.tensor([0.5, 2.0]))
    tone.grade(images, torch.tensor([[0.6], [1.4]]), torch.zeros(2, 1))
    assert torch.equal(images, torch.full((2, 1, 4, 4), 3.0))


def test_grey_makes_channels_equal_to_their_mean_in_its_rows():
    images = torch.randn(2, 3, 4, 4)
    before = images.clone()
    tone.grey(images, torch.tensor([1]))
    assert torch.equal(images[0], before[0])
    for c in range(3):
        torch.testing.assert_close(images[1, c], before[1].mean(0))


def test_noise_has_its_standard_deviation_in_its_rows():
    images = torch.zeros(3, 1, 64, 64)
    tone.add_noise(images, torch.tensor([0, 2]), torch.randn(2, 1, 64, 64), torch.tensor([0.1, 2]))
    assert images[1].abs().max() == 0
    assert abs(images[0].std() - 0.1) < 0.01
    assert abs(images[2].std() - 2) < 0.2


def test_chance_strikes_as_often_and_as_hard_as_it_says():
    u = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    amount = perhaps(u, 0.3, 2, 4, otherwise=0)
    struck = amount[amount != 0]
    assert abs(len(struck) / len(u) - 0.3) < 0.02
    assert struck.min() >= 2 and struck.max() < 4
    assert abs(struck.mean() - 3) < 0.05
    assert perhaps(u, 1, 2, 4, otherwise=7).max() < 4


def test_rows_of_finds_rows_that_are_not_all_zero():
    assert rows_of(torch.tensor([[0.0, 0], [0, 1], [2, 0]])).tolist() == [1, 2]
    assert rows_of(torch.tensor([True, False])).tolist() == [0]
