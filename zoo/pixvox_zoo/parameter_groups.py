"""Parameter groups: weights decay; norms, biases and positions do not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from torch import nn


def parameter_groups(
    named: Iterable[tuple[str, nn.Parameter]],
    *,
    weight_decay: float,
    undecayed: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Two groups in the given order: tensors of two or more axes decay, all others do not.

    ``decays`` says which, whatever the weight decay of the moment. The second group also carries
    ``adapt: False``, which LARS reads (arXiv:1708.03888, section 4).

    Args:
        undecayed: names of parameters that do not decay, whatever their axes.
    """
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in named:
        decays = parameter.ndim > 1 and name not in undecayed
        (decayed if decays else plain).append(parameter)
    return [
        {"params": decayed, "weight_decay": weight_decay, "decays": True, "adapt": True},
        {"params": plain, "weight_decay": 0.0, "decays": False, "adapt": False},
    ]


def undecayed_of(module: nn.Module) -> set[str]:
    """Names of the parameters that any part of a module says do not decay.

    A part says so by ``undecayed``, which names parameters of its own or of what it is made of.
    """
    found = set()
    for prefix, part in module.named_modules():
        spared = getattr(part, "undecayed", ())
        for name, _ in part.named_parameters():
            if name.rpartition(".")[2] in spared:
                found.add(f"{prefix}.{name}" if prefix else name)
    return found
