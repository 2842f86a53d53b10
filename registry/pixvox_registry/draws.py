"""Randomness as a function of (seed, purpose, step, position in the global batch), not a state."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor


def key(*parts: int | str) -> int:
    """32 bits that depend on every part; more would collide (see below).

    On CPU ``manual_seed(k + 2**32)`` draws the same numbers as ``manual_seed(k)``.

    >>> key(0, "views", 7) == key(0, "views", 7), key(0, "views", 7) == key(0, "views", 8)
    (True, False)
    """
    text = "/".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def generator(*parts: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for one purpose."""
    return torch.Generator(device=device).manual_seed(key(*parts))


@dataclass(frozen=True)
class Draws:
    """The random numbers of one step, for the rows of the global batch that this process holds.

    Every process draws for the whole global batch and keeps its rows, so one process and many see
    the same numbers. Each purpose has its own stream: adding a draw changes no other.

    Args:
        batch: B of the global batch.
        rows: which of them are here; all by default.
        scope: who draws; the same purpose in two scopes is two streams.
    """

    seed: int
    step: int
    batch: int
    rows: slice = field(default_factory=lambda: slice(None))
    device: torch.device | str = "cpu"
    scope: str = ""

    def under(self, name: str) -> Draws:
        """The same, with streams of its own for whoever bears the name."""
        return replace(self, scope=f"{self.scope}{name}/")

    def uniform(self, purpose: str, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """``[B, *shape]`` in [low, high)."""
        u = torch.rand(self.batch, *shape, generator=self._stream(purpose), device=self.device)
        return (low + (high - low) * u)[self.rows]

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """``[B, *shape]`` standard normal."""
        draw = torch.randn(self.batch, *shape, generator=self._stream(purpose), device=self.device)
        return draw[self.rows]

    def integers(self, purpose: str, high: int, *shape: int) -> Tensor:
        """``[B, *shape]`` in 0 .. high - 1."""
        stream = self._stream(purpose)
        draw = torch.randint(high, (self.batch, *shape), generator=stream, device=self.device)
        return draw[self.rows]

    def _stream(self, purpose: str) -> torch.Generator:
        return generator(self.seed, self.scope + purpose, self.step, device=self.device)
