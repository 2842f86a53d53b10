"""Splits for data sets that bring none: without near duplicates, stratified, drawn from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from pixvox_registry.draws import generator

GRID = 16  # side of the difference hash: 256 bits
CLOSE = 12  # bits that two copies of one picture may differ in


def difference_hash(images: Tensor) -> Tensor:
    """``[N, C, H, W] -> [N, 256]`` bool: is a place brighter than the one before it in its row?

    It outlasts other sizes, compression and brightness.
    """
    grey = images.float().mean(1, keepdim=True)
    small = F.interpolate(grey, size=(GRID, GRID + 1), mode="bilinear", antialias=True)[:, 0]
    return (small[..., 1:] > small[..., :-1]).flatten(1)


def near_duplicates(images: Tensor, *, close: int = CLOSE) -> list[tuple[int, int]]:
    """Pairs of rows, the lower one first, whose hashes differ in ``close`` bits at most."""
    bits = difference_hash(images).float()
    apart = bits @ (1 - bits).T
    apart = apart + apart.T
    rows, others = (apart <= close).triu(1).nonzero(as_tuple=True)
    return list(zip(rows.tolist(), others.tolist(), strict=True))


def split(
    ids: Sequence[str],
    classes: Tensor,
    shares: Mapping[str, float],
    *,
    seed: int,
    leave_out: Sequence[int] = (),
) -> dict[str, list[str]]:
    """``{split: ids in their order}``, of each class the same share.

    Args:
        classes: ``[N]``.
        shares: of every split; they sum to 1.
        leave_out: rows that go into none.
    """
    order = torch.randperm(len(ids), generator=generator(seed, "splits"))
    kept = order[~torch.isin(order, torch.tensor(list(leave_out), dtype=torch.long))]
    rows: dict[str, list[int]] = {name: [] for name in shares}
    for k in classes.unique():
        members = kept[classes[kept] == k]
        start, share = 0, 0.0
        for name, part in shares.items():
            share += part
            end = round(share * len(members))
            rows[name] += members[start:end].tolist()
            start = end
    return {name: [ids[row] for row in sorted(found)] for name, found in rows.items()}
