"""Store: rows of embeddings that outlive a step; a queue and a bank are both one."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Store(nn.Module):
    """``[G, R, E]`` rows with a mark for those that are filled; all of it is in the checkpoint.

    A row keeps the index of its case and no groups: these are what the clustering says today, and
    a refit would leave old ones behind.
    """

    z: Tensor
    filled: Tensor
    index: Tensor
    head: Tensor

    def __init__(self, views: int, rows: int, width: int) -> None:
        super().__init__()
        self.register_buffer("z", torch.zeros(views, rows, width))
        self.register_buffer("filled", torch.zeros(rows, dtype=torch.bool))
        self.register_buffer("index", torch.zeros(rows, dtype=torch.long))
        self.register_buffer("head", torch.zeros((), dtype=torch.long))
        self._was_full = False  # once full it stays so, and no device need be asked again

    @torch.no_grad()
    def write(self, index: Tensor, z: Tensor) -> None:
        """Keep ``z [G, B, E]`` at the rows ``index [B]``: a bank."""
        self._keep(index, index, z)

    @torch.no_grad()
    def push(self, index: Tensor, z: Tensor) -> None:
        """First in, first out, ``z [G, B, E]`` of the cases ``index [B]``: a queue."""
        z, index = z[:, -len(self.filled) :], index[-len(self.filled) :]
        rows = (self.head + torch.arange(len(index), device=self.head.device)) % len(self.filled)
        self._keep(rows, index, z)
        self.head += len(index)

    def rows(self) -> tuple[Tensor, Tensor]:
        """The filled rows and their cases: ``[G, Q, E], [Q]``."""
        if self.is_full:
            return self.z, self.index
        return self.z[:, self.filled], self.index[self.filled]

    @property
    def is_full(self) -> bool:
        """Is every row filled?"""
        self._was_full = self._was_full or bool(self.filled.all())
        return self._was_full

    def _keep(self, rows: Tensor, index: Tensor, z: Tensor) -> None:
        self.z[:, rows] = z.detach().to(self.z.dtype)
        self.index[rows] = index
        self.filled.index_fill_(0, rows, True)
