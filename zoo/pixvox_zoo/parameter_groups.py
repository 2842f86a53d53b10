"""Parameter groups: weights decay, norms and biases do not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn


def parameter_groups(
    named: Iterable[tuple[str, nn.Parameter]], *, weight_decay: float
) -> list[dict[str, Any]]:
    """Two groups in the given order: tensors of two or more axes decay, vectors do not.

    ``decays`` says which, whatever the weight decay of the moment. The second group also carries
    ``adapt: False``, which LARS reads (arXiv:1708.03888, section 4).
    """
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for _, parameter in named:
        (decayed if parameter.ndim > 1 else plain).append(parameter)
    return [
        {"params": decayed, "weight_decay": weight_decay, "decays": True, "adapt": True},
        {"params": plain, "weight_decay": 0.0, "decays": False, "adapt": False},
    ]
