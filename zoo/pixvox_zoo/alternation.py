"""Alternation: images and volumes in one pretraining, a batch of each in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from pixvox_registry.contracts import Batch
from pixvox_registry.draws import Draws
from pixvox_zoo.feed import Feed


class Alternation(Feed):
    """Sources take turns, each with batches of its own size; the first of them leads.

    An epoch ends when the longest source was seen once; shorter ones begin again within it. Health
    and card tell of the first source. Nothing is copied: each source stays in its feed.

    A stage may leave out sources that serve none of its objectives (``turns``).

    Args:
        feeds: one per source; the numbers of their cases must not overlap.
    """

    def __init__(self, feeds: Sequence[Feed]) -> None:
        first = feeds[0]
        self._feeds = tuple(feeds)
        self.turns = list(feeds)  # of this stage
        self.cases, self.intensity = first.cases, first.intensity
        self.images, self.labels = first.images, first.labels
        self.batch = round(sum(feed.batch for feed in feeds) / len(feeds))  # cases of a mean step
        self.seed, self.device, self.ranks = first.seed, first.device, first.ranks

    @property
    def feeds(self) -> Sequence[Feed]:
        """One per source, those included that take no turn now."""
        return self._feeds

    @property
    def steps_per_epoch(self) -> int:
        """As many of each source."""
        return len(self.turns) * max(feed.steps_per_epoch for feed in self.turns)

    def at(self, step: int) -> Batch:
        """The batch of a step."""
        feed, own = self._turn(step)
        return feed.at(own)

    def epoch_of(self, step: int) -> Iterator[Batch]:
        """Every case of every source, once."""
        for feed in self.turns:
            yield from feed.epoch_of(0)

    def index_at(self, step: int) -> Tensor:
        """Rows within the source whose turn it is."""
        feed, own = self._turn(step)
        return feed.index_at(own)

    def draws_at(self, step: int) -> Draws:
        """As many random numbers as the batch whose turn it is has cases."""
        feed, _ = self._turn(step)
        return feed.draws_at(step)

    def ids_at(self, step: int) -> list[str]:
        """Names of the cases of a step, for messages."""
        feed, own = self._turn(step)
        return feed.ids_at(own)

    def _turn(self, step: int) -> tuple[Feed, int]:
        own, place = divmod(step, len(self.turns))
        return self.turns[place], own
