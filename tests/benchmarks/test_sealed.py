"""The test split is opened once, on record, and every case of it is predicted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pixvox_benchmarks.sealed import SealedTest
from pixvox_registry import UserError
from pixvox_registry.measuring import Predictions, Split

TARGET = torch.tensor([0, 1, 1])


def sealed() -> SealedTest:
    return SealedTest(lambda: Split(torch.zeros(3, 2), TARGET), opener="probe", owner="toy")


def predictions() -> Predictions:
    return Predictions(torch.full((3, 2), 0.5, dtype=torch.float64), TARGET, {})


def test_the_second_opening_is_refused_and_both_are_on_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    test = sealed()
    assert torch.equal(test().target, TARGET)
    with pytest.raises(UserError, match="a second time"):
        test()
    assert capsys.readouterr().err.count("probe opens the test split of toy") == 2
    assert test.opened == 2


def test_sound_predictions_pass() -> None:
    test = sealed()
    test()
    test.check(predictions(), classes=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (replace(predictions(), probability=torch.full((2, 2), 0.5)), "No case may be left out"),
        (replace(predictions(), probability=torch.full((3, 3), 1 / 3)), "must give"),
        (replace(predictions(), probability=torch.full((3, 2), 0.6)), "no probabilities"),
        (replace(predictions(), probability=torch.full((3, 2), torch.nan)), "no probabilities"),
        (replace(predictions(), probability=torch.tensor([[-1.0, 2]] * 3)), "no probabilities"),
        (replace(predictions(), target=TARGET.flip(0)), "changes the labels"),
    ],
)
def test_predictions_that_are_none_are_refused(wrong: Predictions, message: str) -> None:
    test = sealed()
    test()
    with pytest.raises(UserError, match=message):
        test.check(wrong, classes=2)


def test_predicting_without_opening_is_refused() -> None:
    with pytest.raises(UserError, match="without opening"):
        sealed().check(predictions(), classes=2)
