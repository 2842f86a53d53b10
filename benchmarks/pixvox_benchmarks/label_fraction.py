"""Label fractions: a protocol that may learn from a share of the labels alone.

``linear_probe@10%`` is the linear probe on a tenth of train, drawn anew by every seed. Val and test
stay whole, the same for every fraction, so scores of different fractions stand on the same cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from pixvox_registry.draws import generator
from pixvox_registry.errors import UserError

FEWEST = 2  # cases of a class, or scans


class NotApplicable(UserError):
    """Train is too small for the fraction that was asked."""


def asked(protocol: str) -> tuple[str, float]:
    """The protocol's own name, and the share of train that it may learn from.

    Raises:
        UserError: no percentage above 0 and below 100 stands behind the ``@``, in its shortest
            form, so that one request has one name.

    >>> asked("linear_probe"), asked("finetune@10%")
    (('linear_probe', 1.0), ('finetune', 0.1))
    """
    name, at, share = protocol.partition("@")
    if not at:
        return name, 1.0
    try:
        percent = float(share.removesuffix("%")) if share.endswith("%") else 0.0
    except ValueError:
        percent = 0.0
    if not 0 < percent < 100 or share != f"{percent:g}%":
        raise UserError(
            f"A label fraction is written like {name}@10%, with a percentage above 0 and below "
            f"100 and no needless digit; {protocol!r} came. All labels are plain {name}."
        )
    return name, percent / 100


def rows_of(
    target: Tensor, share: float, *, patients: Sequence[str] | None, seed: int
) -> list[int]:
    """Which cases of train may be learnt from, in their order; a patient comes whole or not.

    Every class gives its share, rounded; a larger fraction holds the smaller ones of its seed.

    Args:
        target: ``[N]`` classes, or ``[N, L]`` labels of 0 and 1.

    Raises:
        NotApplicable: fewer than two cases of a class (or label) would be left.
    """
    if share == 1:
        return list(range(len(target)))
    strata = _strata(target)
    of_patient: dict[str, list[int]] = defaultdict(list)
    for row in range(len(target)):
        of_patient[patients[row] if patients else str(row)].append(row)
    groups: dict[int, list[list[int]]] = defaultdict(list)
    for rows in of_patient.values():
        groups[min(int(strata[row]) for row in rows)].append(rows)
    kept: list[int] = []
    for stratum, members in sorted(groups.items()):
        order = torch.randperm(len(members), generator=generator(seed, "label fraction", stratum))
        for place in order[: round(share * len(members))].tolist():
            kept += members[place]
    _check(target, sorted(kept), share)
    return sorted(kept)


def _strata(target: Tensor) -> Tensor:
    """``[N]``: rarer classes and labels have smaller numbers; a case of several is its rarest."""
    table = target if target.ndim == 2 else torch.nn.functional.one_hot(target)
    table = table.bool()[:, table.sum(0).argsort(stable=True)]
    bare = torch.full((len(table), 1), fill_value=True)
    return torch.cat([table, bare], 1).int().argmax(1)


def _check(target: Tensor, kept: list[int], share: float) -> None:
    table = target if target.ndim == 2 else torch.nn.functional.one_hot(target)
    counts = table[kept].sum(0)
    if int(counts.min()) < FEWEST:
        scarce = int(counts.argmin())
        raise NotApplicable(
            f"{share:.3g} of {len(target)} training cases leaves {int(counts.min())} of class "
            f"{scarce}; {FEWEST} are needed. Take a larger fraction."
        )
