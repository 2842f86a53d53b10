"""Feed: batches of cases, resident or read from disk, each a function of its step alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Batch
from pixvox_registry.draws import Draws, generator
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.stored import RESIDENT_BYTES, bytes_of, loaded

ON_DEVICE_BYTES = 4 << 30  # of images in the memory of an accelerator


class Feed:
    """Every case once per epoch, in an order that (seed, epoch) decides.

    Args:
        batch: B of the global batch; fewer where there are fewer cases.
        offset: of the case index, which is global over all sources.
        slice_offset: of the index of slices, which is so too.
        name: of the source.
        rank: this process's number among ``ranks``; it holds its share of every batch.
        resident_bytes: a larger set stays where it is and is read batch by batch; by default what
            the memory of the device allows.

    Raises:
        UserError: a batch that the ranks cannot share evenly.
    """

    def __init__(
        self,
        cases: Cases,
        intensity: Intensity,
        *,
        batch: int,
        seed: int,
        device: torch.device | str = "cpu",
        offset: int = 0,
        slice_offset: int = 0,
        name: str = "images",
        rank: int = 0,
        ranks: int = 1,
        resident_bytes: int | None = None,
    ) -> None:
        self.cases = cases
        self.intensity = intensity
        self.batch = min(batch, len(cases))
        self.seed = seed
        self.device = torch.device(device)
        self.offset = offset
        self.slices = torch.arange(cases.images.shape[2] if cases.dims == 3 else 1)  # of a case
        self.slice_offset = slice_offset
        self.name = name
        self.ranks = ranks
        share, over = divmod(self.batch, ranks)
        if over:
            raise UserError(
                f"A batch of {self.batch} cases cannot be shared evenly by {ranks} processes; take "
                f"a batch that is a multiple of {ranks}, or fewer processes."
            )
        self.rows = slice(rank * share, (rank + 1) * share)
        if resident_bytes is None:
            resident_bytes = RESIDENT_BYTES if self.device.type == "cpu" else ON_DEVICE_BYTES
        fits = bytes_of(cases.images) <= resident_bytes
        self.images = loaded(cases.images, self.device) if fits else cases.images
        self.labels = {name: label.to(self.device) for name, label in cases.labels.items()}
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches only: a loss over a smaller batch is another loss."""
        return len(self.cases) // self.batch

    @property
    def feeds(self) -> Sequence[Feed]:
        """One per source: itself."""
        return (self,)

    def at(self, step: int) -> Batch:
        """The batch of a step, standardised, on the device."""
        return self._batch(self.index_at(step))

    def epoch_of(self, step: int) -> Iterator[Batch]:
        """Every case of the epoch around a step; the last batch goes back to fill itself."""
        first = step - step % self.steps_per_epoch
        for position in range(first, first + self.steps_per_epoch):
            yield self.at(position)
        if self.steps_per_epoch * self.batch < len(self.cases):
            yield self._batch(self._order[-self.batch :])

    def _batch(self, index: Tensor) -> Batch:
        index = index[self.rows]
        here = index.to(self.images.device, non_blocking=True)
        stored = self.images.index_select(0, here).to(self.device, non_blocking=True)
        index = index.to(self.device, non_blocking=True)
        slices = self.slices.to(self.device, non_blocking=True)
        return Batch(
            images=self.intensity.standardise(stored),
            index=index + self.offset,
            slice_index=(index[:, None] * len(self.slices) + slices) + self.slice_offset,
            source=self.name,
            labels={name: label[index] for name, label in self.labels.items()},
        )

    def index_at(self, step: int) -> Tensor:
        """Rows of the cases of a step's global batch: ``[B]``."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            stream = generator(self.seed, "order", epoch)
            self._order = torch.randperm(len(self.cases), generator=stream)
            self._epoch = epoch
        return self._order[position * self.batch : (position + 1) * self.batch]

    def draws_at(self, step: int) -> Draws:
        """The random numbers of a step's views."""
        return Draws(
            seed=self.seed, step=step, batch=self.batch, rows=self.rows, device=self.device
        )

    def ids_at(self, step: int) -> list[str]:
        """Names of the cases of a step, for messages."""
        return [self.cases.ids[row] for row in self.index_at(step).tolist()]
