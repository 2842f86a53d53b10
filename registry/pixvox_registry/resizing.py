"""Resizing: rows of one size brought to another, in memory or as a copy in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from pixvox_registry.kept_rows import kept_rows
from pixvox_registry.stored import RESIDENT_BYTES, Images, Stored, rows_at_once

VERSION = 1  # of the arithmetic


def resized(
    images: Images, size: int, *, labels: bool = False, resident_bytes: int = RESIDENT_BYTES
) -> Images:
    """``[N, C, *S] -> [N, C, size, ...]``, bilinear or trilinear, antialiased in 2D; type kept.

    What is stored and larger than ``resident_bytes`` afterwards becomes a copy in
    ``$PIXVOX_CACHE/resized``, made once; everything else a tensor.

    Args:
        labels: these are label maps ``[N, *S]``, of which the nearest is taken.
    """
    channels = images.shape[1:1] if labels else images.shape[1:2]
    sides = images.shape[1 + len(channels) :]
    each = (*channels, *[size] * len(sides))
    if isinstance(images, Stored):
        bytes_of_all = len(images) * math.prod(each) * images.element_size()
        if bytes_of_all > resident_bytes:
            return _kept(images, each, labels)
    out, start = torch.empty(len(images), *each, dtype=images.dtype), 0
    for piece in _resized_pieces(images, each, labels):
        out[start : start + len(piece)] = piece
        start += len(piece)
    return out


def _resized_pieces(images: Images, each: tuple[int, ...], labels: bool) -> Iterator[Tensor]:
    largest = max(math.prod(each), math.prod(images.shape[1:]))
    for piece in images.split(rows_at_once(largest)):
        yield _interpolated(piece, each, labels)


def _interpolated(piece: Tensor, each: tuple[int, ...], labels: bool) -> Tensor:
    if labels:
        near = torch.nn.functional.interpolate(piece[:, None].float(), size=each)[:, 0]
        return near.to(piece.dtype)
    sides = each[1:]
    mode, antialias = ("bilinear", True) if len(sides) == 2 else ("trilinear", False)
    x = torch.nn.functional.interpolate(piece.float(), size=sides, mode=mode, antialias=antialias)
    return (x if piece.dtype.is_floating_point else x.round()).to(piece.dtype)


def _kept(images: Stored, each: tuple[int, ...], labels: bool) -> Stored:
    """The copy in the cache; its name says of which rows of which entry it is one."""
    origin = images.content.file
    return kept_rows(
        "resized",
        [VERSION, str(origin), list(images.rows), labels],
        partial(_resized_pieces, images, each, labels),
        count=len(images),
        each=each,
        dtype=images.dtype,
        doing="resizing",
        about={"root": str(origin.parent)},
    )
