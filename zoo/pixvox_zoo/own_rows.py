"""Own rows: what a queue holds of the very case that asks."""

from __future__ import annotations

import torch
from torch import Tensor


def hide_own(scores: Tensor, index: Tensor | None, queue_index: Tensor | None) -> Tensor:
    """``[..., B, G Q]``: scores of a case against itself in the queue become as low as can be.

    Args:
        index: ``[B]`` cases that ask; without it, or without ``queue_index``, nothing is hidden.
        queue_index: ``[Q]`` cases of the queue, whose G views lie one behind the other.
    """
    if index is None or queue_index is None:
        return scores
    own = index[:, None] == queue_index  # [B, Q]
    own = own.repeat(1, scores.shape[-1] // len(queue_index))
    return scores.masked_fill(own, torch.finfo(scores.dtype).min)
