"""What each kind of plugin promises.

Shapes: B batch, V online views, G target views, R rows, D features, E embedding, K clusters,
H heads, N slices or tokens, L levels, Q queue, P penalties or resamples, *S space.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from pixvox_registry.cases import Cases
    from pixvox_registry.draws import Draws
    from pixvox_registry.intensity import Intensity
    from pixvox_registry.order import Order


@dataclass
class Batch:
    """What a source hands to pretraining; images are standardised."""

    images: Tensor  # [B, C, *S]
    index: Tensor  # [B] row of the case, global over all sources
    slice_index: Tensor | None = None  # [B, N] global row of every slice
    labels: Mapping[str, Tensor] = field(default_factory=dict)  # {name: [B]}
    source: str = "images"


@dataclass
class View:
    """One crop of every case of a batch."""

    image: Tensor  # [B, C, *S]
    role: str = "both"  # both | online | target
    original: Tensor | None = None  # [B, C, *S] what a decoder restores; the image itself if None
    mask: Tensor | None = None  # [B, *grid], True = masked
    frame: Tensor | None = None  # [B, dims, dims + 1] where it lies in the case, axes as there
    labels: Mapping[str, Tensor] = field(default_factory=dict)  # {name: [B, ...]}


@dataclass
class Features:
    """What a backbone says of images."""

    pooled: Tensor | None = None  # [B, D]
    maps: tuple[Tensor, ...] = ()  # fine to coarse, each [B, C_l, *S_l]
    tokens: Tensor | None = None  # [B, N, D]
    slices: Tensor | None = None  # [B, N, D]


class Backbone(typing.Protocol):
    """Images or volumes to features, in 2D and in 3D alike; an ``nn.Module``."""

    num_features: int  # D
    channels: Sequence[int]  # C_l of the maps
    strides: Sequence[int]  # of the maps, relative to the image
    patch: int | None  # side of a token, or None

    def __call__(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, *S] -> Features``; ``mask [B, *grid]`` only where ``patch`` is set."""
        ...


class Fusion(typing.Protocol):
    """Slice embeddings to one vector: ``[B, N, D] -> [B, N, D]``, pooled by its backbone."""

    def __call__(self, slices: Tensor) -> Tensor:
        """``[B, N, D] -> [B, N, D]``."""
        ...


class Views(typing.Protocol):
    """Makes the views of a batch, on its device and all at once."""

    num_targets: int  # G
    provides: Iterable[str]  # signals beyond the image: mask, frame, labels

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> views``; every random number comes from ``draws``."""
        ...


class Head(typing.Protocol):
    """Features to the space in which a loss compares; raw, never normalised."""

    num_outputs: int  # E

    def __call__(self, x: Tensor) -> Tensor:
        """``[R, D] -> [R, E]``."""
        ...


class Decoder(typing.Protocol):
    """Names any of features, embedding, mask, scores and paints ``[R, C, *S]``."""

    def __call__(self, **signals: Any) -> Tensor:
        """``-> [R, C, *S]``."""
        ...


class Clustering(typing.Protocol):
    """Scores of embeddings against clusters, and targets that a loss may follow."""

    num_clusters: int  # K
    refits: str | None  # epoch, stage or None: when refit is due, unless the recipe says otherwise

    def scores(self, z: Tensor) -> Tensor:
        """``[V, B, E] -> [H, V, B, K]``."""
        ...

    def assign(self, z: Tensor, index: Tensor, queue: Tensor | None) -> Tensor:
        """``[G, B, E], [B], [G, Q, E] -> [H, G or 1, B, K]``; rows sum to 1, or to 0 = ignore."""
        ...

    def groups(self, index: Tensor) -> Tensor | None:
        """``[B] -> [L, B]``, coarse to fine, or None."""
        ...

    def update(self, z: Tensor) -> None:
        """After each optimizer step; ``[G, B, E]``."""
        ...

    def refit(self, bank: Tensor, filled: Tensor) -> None:
        """At the start of an epoch or stage; ``[G, R, E], [R]``."""
        ...


class Loss(typing.Protocol):
    """Names any signals and returns a scalar; it holds no state."""

    def __call__(self, **signals: Any) -> Tensor:
        """``-> []``."""
        ...


class Source(typing.Protocol):
    """Raw cases, with or without labels, in named splits. It is built without touching the disk."""

    dims: int  # 2 or 3
    splits: tuple[str, ...]

    @property
    def name(self) -> str:
        """As written on the command line, for example ``medmnist:breastmnist``."""
        ...

    def cases(self, split: str) -> Cases:
        """All cases of a split.

        Raises:
            UserError: the data is missing, damaged or unverified; says how to get it.
        """
        ...

    def facts(self) -> Mapping[str, Any]:
        """Dataset, version, licence, verified (bool) and sha256 of the bytes; for provenance."""
        ...


class Task(typing.Protocol):
    """One labelled dataset with fixed splits, its metrics and its version."""

    kind: str  # classes, one for a case; or labels, of which several may hold
    name: str
    version: str
    dims: int
    source: Source
    classes: tuple[str, ...]  # or labels: the columns of a probability
    metrics: tuple[str, ...]  # the first one ranks
    licence: str
    units: str  # what a case is: patient, study or image
    flips: tuple[int, ...]  # axes of *S along which views may mirror its anatomy

    def cases(self, split: str) -> Cases:
        """Cases of ``train``, ``val`` or ``test`` with their labels."""
        ...

    def target(self, cases: Cases) -> Tensor:
        """``[N]`` classes, or ``[N, L]`` of 0 and 1 for labels."""
        ...

    def fingerprint(self) -> str:
        """sha256 over version, split ids, labels and the bytes of every case."""
        ...


@dataclass(frozen=True)
class Pretrained:
    """A frozen backbone and what one must know to feed it.

    ``card["prints"]`` says which cases it was shown: the path of a file that
    ``pixvox_registry.prints.read`` reads and whose digest the maker has checked, ``nothing`` where
    it was shown none, or ``unknown``. Without it, it counts as ``unknown``.
    """

    backbone: nn.Module  # a Backbone in eval mode
    intensity: Intensity
    image_size: int
    sha256: str
    card: Mapping[str, Any]
    fresh: Callable[[int], nn.Module] | None = None  # a seed to the same backbone, untrained
    report: Mapping[str, Sequence[str]] = field(default_factory=dict)  # loaded, adapted, missing...


class Maker(typing.Protocol):
    """Turns the name of a method into a frozen backbone: the only door between MAKES and MEASURES.

    The benchmark knows makers by name alone, so it can measure anyone's backbones.
    """

    def fingerprint(self, order: Order) -> str:
        """sha256 over all that decides the weights, known before they exist."""
        ...

    def check(self, order: Order) -> None:
        """Build the parts, and write nothing.

        Raises:
            UserError: the method does not exist, or does not fit the cases.
        """
        ...

    def make(self, order: Order, folder: Path) -> Path:
        """The folder of the weights. Finished work is reused, interrupted work is resumed."""
        ...

    def load(self, weights: Path) -> Pretrained:
        """The backbone in eval mode.

        Raises:
            UserError: a digest or a key does not match.
        """
        ...

    def estimate(self, order: Order) -> tuple[float, int]:
        """Seconds and bytes that ``make`` will take here, from a few timed steps."""
        ...


class Engine(typing.Protocol):
    """Runs independent jobs, each isolated from the others, at least once each.

    A job has a name, is callable, and has ``words``, the command that does the same elsewhere.
    """

    def __call__(self, jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
        """Run all; ``report(job, error or None)`` after each."""
        ...


class Meter(typing.Protocol):
    """Measures ours against another way in one run, so that the ratio means something."""

    def __call__(self, recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
        """Rows of ``what, ours, other, ratio, unit``; spends about ``seconds`` on each side."""
        ...
