"""Splits that a probe can learn from: anything else is refused before it is fitted."""

from __future__ import annotations

from pixvox_registry.errors import UserError
from pixvox_registry.measuring import Split


def learnable(train: Split, val: Split, *, labels: bool = False) -> int:
    """K, the number of classes that train and val know; or L, the number of labels.

    Args:
        labels: does the probe answer which labels hold, too, where several may?

    Raises:
        UserError: train is empty, holds one class, or features that are not finite or not [N, D];
            no label of train tells cases apart, val has others, or the probe wants classes.
    """
    cases, told = train.features.shape, len(train.target)
    if train.features.ndim != 2 or len(train.features) != told:
        _refuse("features [N, D] and as many labels", f"shape {tuple(cases)} and {told} labels")
    if not told:
        _refuse("labelled cases in train", "an empty split")
    if not train.features.isfinite().all():
        _refuse("finite features in train", "NaN or infinity")
    if train.target.ndim == 2:
        return _labels(train, val, wanted=labels)
    if train.target.unique().numel() < 2:
        _refuse("at least two classes in train", f"one class in train, {int(train.target[0])}")
    return 1 + max(int(split.target.max()) for split in (train, val) if len(split.target))


def predictable(test: Split, train: Split) -> None:
    """Refuse test cases that cannot be predicted from what was learnt.

    Raises:
        UserError: test is empty, or its features have another width or are not finite.
    """
    if not len(test.target):
        _refuse("labelled cases in test", "an empty split")
    if test.features.shape != (len(test.target), train.features.shape[1]):
        wanted = f"features [{len(test.target)}, {train.features.shape[1]}] in test"
        _refuse(wanted, f"shape {tuple(test.features.shape)}")
    if not test.features.isfinite().all():
        _refuse("finite features in test", "NaN or infinity")


def _labels(train: Split, val: Split, *, wanted: bool) -> int:
    """L, of ``[N, L]``."""
    shape = tuple(train.target.shape)
    if not wanted:
        _refuse("one class for each case", f"labels of which several may hold, {shape},")
    if val.target.shape[1:] != shape[1:]:
        _refuse(f"{shape[1]} labels in val, as in train", f"shape {tuple(val.target.shape)}")
    if (train.target == train.target[0]).all():
        _refuse("a label that tells cases of train apart", "the same labels for each")
    return shape[1]


def _refuse(wanted: str, came: str) -> None:
    raise UserError(
        f"A probe wanted {wanted}; {came} came. Check the splits of the task and the backbone "
        "that made the features."
    )
