"""Store: rows of embeddings that outlive a step; a queue and a bank are both one."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Store(nn.Module):
    """``[G, R, E]`` rows with a mark for those that are filled; all of it is in the checkpoint."""

    z: Tensor
    filled: Tensor
    groups: Tensor
    head: Tensor

    def __init__(self, views: int, rows: int, width: int) -> None:
        super().__init__()
        self.register_buffer("z", torch.zeros(views, rows, width))
        self.register_buffer("filled", torch.zeros(rows, dtype=torch.bool))
        self.register_buffer("groups", torch.zeros(1, rows, dtype=torch.long))
        self.register_buffer("head", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def write(self, rows: Tensor, z: Tensor) -> None:
        """Keep ``z [G, B, E]`` at ``rows [B]``."""
        self.z[:, rows] = z.detach().to(self.z.dtype)
        self.filled[rows] = True

    @torch.no_grad()
    def push(self, z: Tensor, groups: Tensor | None = None) -> None:
        """First in, first out: ``z [G, B, E]`` with its ``groups [L, B]``."""
        z = z[:, -len(self.filled) :]
        rows = (self.head + torch.arange(z.shape[1], device=self.head.device)) % len(self.filled)
        self.write(rows, z)
        self.head += z.shape[1]
        if groups is not None:
            if len(groups) != len(self.groups):
                self.groups = self.groups[:1].repeat(len(groups), 1)
            self.groups[:, rows] = groups[:, -len(rows) :]

    def rows(self) -> Tensor:
        """The filled rows: ``[G, Q, E]``."""
        return self.z[:, self.filled]

    def rows_of_groups(self) -> Tensor:
        """Groups of the filled rows: ``[L, Q]``."""
        return self.groups[:, self.filled]

    @property
    def is_full(self) -> bool:
        """Is every row filled?"""
        return bool(self.filled.all())
