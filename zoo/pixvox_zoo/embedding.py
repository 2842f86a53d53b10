"""Features of a source's cases, one row each, in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from pixvox_registry.artifacts import digest
from pixvox_registry.cases import Cases
from pixvox_registry.console import progress
from pixvox_registry.contracts import Pretrained, Source
from pixvox_registry.errors import UserError, unknown
from pixvox_zoo.feature_table import Words, kind_of, table
from pixvox_zoo.pooling import AT_ONCE, device_of, pooled_of
from pixvox_zoo.slice_by_slice import SliceBySlice

ALL = "all"


def embed(
    pretrained: Pretrained,
    source: Source,
    file: Path,
    *,
    split: str = ALL,
    slices: bool = False,
    batch: int = AT_ONCE,
    device: str = "auto",
    quiet: bool = False,
) -> dict[str, Any]:
    """Write ``id, patient, split, label_*, f0000, ...`` of every case; returns a summary.

    A column ``patient`` is there where some split knows patients. Rows come in the source's order,
    split by split, and are written as they are made.

    Args:
        file: .csv or .parquet.
        slices: put a 2D backbone to volumes; features are the mean over all slices.

    Raises:
        UserError: dims or channels do not fit, a split does not exist, or features are not finite.
    """
    kind_of(file)  # refuse before anything is read
    wanted = source.splits if split == ALL else (split,)
    if split not in (ALL, *source.splits):
        raise unknown("split", split, (ALL, *source.splits))
    pretrained = put_to(pretrained, source, slices=slices)
    place = device_of(device)
    splits = {name: source.cases(name) for name in wanted}
    for cases in splits.values():
        check_channels(pretrained, cases, source)
    words = columns_of(splits)
    num_features = int(pretrained.backbone.num_features)  # type: ignore[arg-type]
    total = sum(map(len, splits.values()))
    with (
        table(file, words, num_features) as rows,
        progress(quiet=quiet) as bar,
    ):
        task = bar.add_task("embedding", total=total)
        for name, cases in splits.items():
            intensity = pretrained.intensity.in_units_of(cases)
            start = 0
            for features in pooled_of(
                pretrained, cases.images, intensity, batch=batch, device=place
            ):
                said = words_of(cases, name, words, slice(start, start + len(features)))
                refuse_non_finite(features, said)
                rows.add(said, features)
                start += len(features)
                bar.advance(task, len(features))
    return {
        "out": str(file),
        "sha256": digest(file),
        "weights": {"name": pretrained.card["name"], "sha256": pretrained.sha256},
        "source": source.name,
        "rows": {name: len(cases) for name, cases in splits.items()},
        "columns": list(words),
        "features": num_features,
        "classes": list(getattr(source, "classes", ())),
        "slices": slices,
    }


def put_to(pretrained: Pretrained, source: Source, *, slices: bool) -> Pretrained:
    """The backbone for cases of the source's dims.

    Raises:
        UserError: it is for others.
    """
    dims = pretrained.card["facts"]["dims"]
    if slices and (dims, source.dims) != (2, 3):
        raise UserError(
            f"--slices puts weights of images to volumes; these weights are {dims}D, and "
            f"{source.name} is {source.dims}D. Leave it out."
        )
    if slices:
        return replace(pretrained, backbone=SliceBySlice(pretrained.backbone).eval())
    if dims != source.dims:
        remedy = "with --slices, a volume is the mean of its slices" if dims == 2 else "volumes"
        raise UserError(
            f"{pretrained.card['name']} is made for {dims}D, and the cases of {source.name} are "
            f"{source.dims}D. Take weights for {source.dims}D; or give them {remedy}."
        )
    return pretrained


def check_channels(pretrained: Pretrained, cases: Cases, source: Source) -> None:
    """Refuse cases of other channels than the weights were made for."""
    channels = pretrained.card["facts"]["in_channels"]
    if cases.in_channels != channels:
        raise UserError(
            f"{pretrained.card['name']} was made for {channels} channels, and the cases of "
            f"{source.name} have {cases.in_channels}. Let the source give {channels} (channels="
            f"{channels} for pictures), or take other weights."
        )


def columns_of(splits: Mapping[str, Cases]) -> dict[str, type]:
    """What stands before the features, and its type."""
    labels = sorted({f"label_{name}" for cases in splits.values() for name in cases.labels})
    patient: dict[str, type] = (
        {"patient": str} if any(cases.patients for cases in splits.values()) else {}
    )
    return {"id": str, **patient, "split": str, **dict.fromkeys(labels, int)}


def words_of(cases: Cases, split: str, columns: Mapping[str, type], rows: slice) -> Words:
    """What stands before the features of some rows; None where a split does not say."""
    ids = cases.ids[rows]
    said: dict[str, Any] = {"id": ids, "split": [split] * len(ids)}
    if cases.patients:
        said["patient"] = cases.patients[rows]
    said |= {f"label_{name}": label[rows].tolist() for name, label in cases.labels.items()}
    return {name: said.get(name, [None] * len(ids)) for name in columns}


def refuse_non_finite(features: Tensor, said: Words) -> None:
    """Stop at features that are NaN or infinite, and name the cases."""
    bad = (~features.isfinite().all(dim=1)).nonzero().flatten().tolist()
    if bad:
        named = ", ".join(said["id"][row] for row in bad[:5])
        raise UserError(
            f"The backbone gives NaN or infinity for {named}{' and more' * (len(bad) > 5)}; look "
            "at these cases with `pixvox data verify`. Nothing was written."
        )
