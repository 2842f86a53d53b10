"""NT-Xent: every view finds its case among all others (arXiv:2002.05709, equation 1)."""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import LOSSES
from pixvox_registry.errors import UserError, unknown

NEGATIVES = ("all", "exclude_group")
POSITIVES = ("view", "view_and_group")


@LOSSES.register
class NTXent(nn.Module):
    """``-log p / (p + negatives)`` with ``p = exp(cosine / tau)`` of two views of one case.

    Negatives are all views of all other cases, and the queue less what it holds of the case itself.
    With ``groups`` it is the cluster-debiased loss of arXiv:2211.08557: none of them come from the
    anchor's coarse group, and the keys of its fine group are further positives over the same
    denominator. A group below zero is none. With one group per case it equals SimCLR.

    Args:
        temperature: tau.
        negatives: ``all``, or ``exclude_group``.
        positives: ``view``, or ``view_and_group``.

    Raises:
        UserError: other names than these.
    """

    def __init__(
        self, *, temperature: float = 0.2, negatives: str = "all", positives: str = "view"
    ) -> None:
        super().__init__()
        if negatives not in NEGATIVES:
            raise unknown("kind of negatives", negatives, NEGATIVES)
        if positives not in POSITIVES:
            raise unknown("kind of positives", positives, POSITIVES)
        self.temperature = temperature
        self.negatives = negatives
        self.positives = positives

    def forward(
        self,
        online: Tensor,
        target: Tensor,
        pairs: list[tuple[int, int]],
        groups: Tensor | None = None,
        queue: Tensor | None = None,
        queue_groups: Tensor | None = None,
        index: Tensor | None = None,
        queue_index: Tensor | None = None,
    ) -> Tensor:
        """``[V, B, E], [G, B, E], groups [L, B], index [B] -> []``.

        Of the queue: ``[G, Q, E]``, the groups of its cases ``[L, Q]`` and the cases ``[Q]``.

        Raises:
            UserError: the settings ask for groups, and there are none.
        """
        batch = online.shape[1]
        keys = target if queue is None else torch.cat([target, queue], 1)  # [G, B + Q, E]
        width = keys.shape[1]
        anchors, keys = F.normalize(online, dim=-1), F.normalize(keys, dim=-1)
        s = torch.einsum("vbe,gke->vbgk", anchors / self.temperature, keys)
        p = s[..., :batch].diagonal(dim1=1, dim2=3)  # [V, G, B]

        own = torch.eye(batch, width, dtype=torch.bool, device=s.device)
        if index is not None and queue_index is not None:
            own[:, batch:] = index[:, None] == queue_index
        spared = own
        if self.negatives == "exclude_group":
            spared = own | _same_group(groups, queue_groups, width, level=0)
            spared = torch.where(_are_all(spared), own, spared)
        hidden = s.masked_fill(spared[:, None], torch.finfo(s.dtype).min)  # -inf would give NaN
        negatives = hidden.flatten(2).logsumexp(2)  # [V, B]
        denominator = torch.logaddexp(p, negatives[:, None])  # [V, G, B]

        if self.positives == "view_and_group":
            fine = _same_group(groups, queue_groups, width, level=-1) & ~own  # [B, B + Q]
            others = torch.einsum("vbgk,bk->vb", s, fine.to(s.dtype))
            p = (p + others[:, None]) / (1 + len(keys) * fine.sum(1))
        of_views = denominator - p
        return torch.stack([of_views[v, g] for g, v in pairs]).mean()


def _are_all(spared: Tensor) -> Tensor:
    """Does one group fill the batch? ``[B, B + Q] -> []``; said where asking costs no wait."""
    alone = spared.all()
    if not spared.is_cuda and bool(alone):
        warnings.warn(
            "nt_xent: one group fills the batch and leaves no negatives; all others serve.",
            stacklevel=3,
        )
    return alone


def _same_group(
    groups: Tensor | None, queue_groups: Tensor | None, width: int, *, level: int
) -> Tensor:
    """Does key k share the group of anchor b? ``[L, B], [L, Q] -> [B, B + Q]``."""
    if groups is None:
        raise UserError(
            "loss 'nt_xent' is to heed groups, and there are none. Give the objective a clustering "
            "head that groups cases, or set negatives: all and positives: view."
        )
    mine = groups[level]
    of_keys = mine if queue_groups is None else torch.cat([mine, queue_groups[level]])
    of_keys = F.pad(of_keys, (0, width - len(of_keys)), value=-1)  # a queue without groups
    return (mine[:, None] == of_keys) & (mine >= 0)[:, None]
