"""NT-Xent: every view finds its case among all others (arXiv:2002.05709, equation 1)."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from pixvox_registry import LOSSES
from pixvox_registry.errors import UserError

NEGATIVES = ("all", "exclude_group")
POSITIVES = ("view", "view_and_group")


@LOSSES.register
class NTXent(nn.Module):
    """Normalised temperature-scaled cross-entropy; negatives may spare an anchor's own group.

    With ``groups`` (L levels, coarse to fine) it is the cluster-debiased loss of arXiv:2211.08557:
    no negatives from the anchor's coarse group, and positives from its fine one.

    Args:
        temperature: tau.
        negatives: ``all``, or ``exclude_group``.
        positives: ``view``, or ``view_and_group``.
    """

    def __init__(
        self, *, temperature: float = 0.2, negatives: str = "all", positives: str = "view"
    ) -> None:
        super().__init__()
        if negatives not in NEGATIVES or positives not in POSITIVES:
            raise UserError(
                f"nt_xent takes negatives {' | '.join(NEGATIVES)} and positives "
                f"{' | '.join(POSITIVES)}, not {negatives!r} and {positives!r}."
            )
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
    ) -> Tensor:
        """``[V, B, E], [G, B, E], groups [L, B], queue [G, Q, E] -> []``."""
        views, batch, _ = online.shape
        keys = target if queue is None else torch.cat([target, queue], 1)  # [G, B + Q, E]
        width = keys.shape[1]
        anchors = nn.functional.normalize(online, dim=-1).flatten(0, 1)  # [V*B, E]
        keys = nn.functional.normalize(keys, dim=-1).flatten(0, 1)  # [G*(B+Q), E]
        logits = anchors @ keys.T / self.temperature
        row = torch.arange(batch, device=online.device)
        column = {g: g * width + row for g in range(len(target))}  # where case b of view g stands
        own = torch.zeros_like(logits, dtype=torch.bool)
        for v in range(min(views, len(target))):
            own[v * batch + row, column[v]] = True  # an anchor is not its own candidate
        total = online.new_zeros(())
        for g, v in pairs:
            at = slice(v * batch, (v + 1) * batch)
            total = total + self._term(
                logits[at], own[at], column[g], row, groups, queue_groups, len(target)
            )
        return total / len(pairs)

    def _term(
        self,
        logits: Tensor,
        own: Tensor,
        positive: Tensor,
        row: Tensor,
        groups: Tensor | None,
        queue_groups: Tensor | None,
        views: int,
    ) -> Tensor:
        """One pair of views: anchors ``[B]`` against all keys."""
        coarse = same_group(groups, queue_groups, views, level=0)  # [B, G*(B+Q)]
        left_out = own.clone()
        if self.negatives == "exclude_group":
            left_out = left_out | self._spare(coarse)
        is_positive = torch.zeros_like(own)
        is_positive[row, positive] = True
        if self.positives == "view_and_group":
            fine = same_group(groups, queue_groups, views, level=-1)
            is_positive = is_positive | (needed(fine) & ~own)
        others = logits.masked_fill(left_out | is_positive, -torch.inf).logsumexp(1)  # [B]
        each = torch.logaddexp(logits, others[:, None]) - logits  # -log(p / (p + negatives))
        return (each * is_positive).sum(1).div(is_positive.sum(1)).mean()

    def _spare(self, coarse: Tensor | None) -> Tensor:
        """The anchor's own group, unless nothing else is in the batch."""
        coarse = needed(coarse)
        alone = coarse.all(1, keepdim=True)
        if bool(alone.any()):
            warnings.warn(
                "nt_xent: an anchor's group fills its batch and leaves no negatives; all are taken.",
                stacklevel=2,
            )
        return coarse & ~alone


def same_group(
    groups: Tensor | None, queue_groups: Tensor | None, views: int, *, level: int
) -> Tensor | None:
    """Does key k share anchor b's group? ``[L, B], [L, Q] -> [B, G*(B+Q)]``."""
    if groups is None:
        return None
    of_keys = groups[level]
    if queue_groups is not None and queue_groups.shape[1]:
        of_keys = torch.cat([of_keys, queue_groups[level]])
    return groups[level][:, None] == of_keys.repeat(views)


def needed(groups: Tensor | None) -> Tensor:
    """The groups, or a clear word that there are none."""
    if groups is None:
        raise UserError(
            "nt_xent with groups needs a clustering head that keeps groups of cases; the objective "
            "has none. Set negatives: all and positives: view, or add one."
        )
    return groups
