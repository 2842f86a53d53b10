"""Stratified folds: every case is held out once per seed, every class is spread evenly."""

from __future__ import annotations

import torch
from torch import Tensor

from pixvox_registry.draws import generator
from pixvox_registry.errors import UserError


def stratified(target: Tensor, folds: int, *, seeds: int) -> Tensor:
    """``[N] -> [seeds x folds, N]`` bool, True where held out.

    A class of fewer cases than folds lowers the number of folds, so that each holds every class.

    Raises:
        UserError: a class has a single case.
    """
    folds = min(folds, int(target.unique(return_counts=True)[1].min()))
    if folds < 2:
        raise UserError(
            "Folds of train were wanted, because val is small or lacks a class; but a class has a "
            "single case in train. Give train or val more cases of it."
        )
    dealt = torch.stack([_dealt(target, seed) for seed in range(seeds)]) % folds  # [seeds, N]
    return (dealt[:, None] == torch.arange(folds)[:, None]).flatten(0, 1)


def _dealt(target: Tensor, seed: int) -> Tensor:
    """``[N]``: the place of each case within its class, in an order drawn at random."""
    order = torch.randperm(len(target), generator=generator(seed, "folds"))
    place = torch.empty_like(target)
    for k in target.unique():
        members = order[target[order] == k]
        place[members] = torch.arange(len(members))
    return place
