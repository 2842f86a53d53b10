"""Weights: tensors, a card and a README in one folder, verified whenever they are loaded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from functools import partial as partial_of
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pixvox_registry import prints
from pixvox_registry.artifacts import canonical_json, digest, publish_folder
from pixvox_registry.contracts import Pretrained
from pixvox_registry.intensity import Intensity
from pixvox_registry.prints import Prints
from pixvox_zoo.adaptation import adapt, checked_wishes, intensity_for
from pixvox_zoo.card_text import readme
from pixvox_zoo.fitting import (
    check_finite,
    check_golden,
    fit,
    golden_input,
    rounded,
    tensors_in,
)
from pixvox_zoo.rebuilding import fresh
from pixvox_zoo.record import check_record
from pixvox_zoo.weights_card import (
    FORMAT,
    PRINTS,
    check_files,
    check_version,
    prints_at,
    prints_told,
    read_card,
    signed,
)
from pixvox_zoo.whereabouts import folder_of


def save(
    folder: Path,
    backbone: nn.Module,
    card: Mapping[str, Any],
    shown: Mapping[int, Prints] | None = None,
    *,
    half: bool = False,
) -> Path:
    """Publish a weights folder.

    The card is completed with the format, the number of parameters, multiply-accumulates of one
    image, the sha256 of the tensors, a golden pair of input and output, and a digest of itself. It
    must hold ``backbone`` (name, settings), ``facts``, ``intensity`` and ``image_size``.

    Args:
        shown: prints of all cases that it was shown, by dims; empty if it was shown none, None if
            nobody knows.
        half: store numbers as float16; the backbone itself is rounded to them.

    Raises:
        UserError: a number is not finite, or features suffer from the rounding.
    """
    backbone = backbone.eval().cpu()
    images = golden_input(card)
    tensors = {name: tensor.contiguous().clone() for name, tensor in backbone.state_dict().items()}
    if half:
        tensors = rounded(backbone, images)
    check_finite(tensors, card["name"])

    def fill(place: Path) -> None:
        save_file(tensors, place / "backbone.safetensors")
        with torch.inference_mode():
            golden = {"input": images, "output": backbone(images).pooled.clone()}
        check_finite(golden, card["name"])
        save_file(golden, place / "golden.safetensors")
        if shown:
            prints.write(place / PRINTS, shown)
        whole = {
            **card,
            "data": {**card["data"], "prints": prints_told(shown)},
            "format": FORMAT,
            "stored": "float16" if half else "float32",
            "parameters": sum(p.numel() for p in backbone.parameters()),
            "macs": count_macs(backbone, images),
            "sha256": {file.name: digest(file) for file in sorted(place.iterdir())},
        }
        (place / "card.json").write_bytes(canonical_json(signed(whole)))
        (place / "README.md").write_text(readme(whole))

    publish_folder(folder, fill)
    return folder


def load(
    what: Path | str,
    *,
    dims: int | None = None,
    in_channels: int | None = None,
    image_size: int | None = None,
    partial: Collection[str] = (),
) -> Pretrained:
    """A backbone in eval mode, with the intensity scale that feeds it, verified.

    ``.report`` says what was ``loaded``, ``adapted``, ``missing`` and ``unexpected``.

    Args:
        what: a folder, the name of installed weights, or ``hf://owner/name``.
        dims: 3 makes volume kernels of those for images.
        in_channels: instead of those that it was trained with; one of the two is 1.
        image_size: side that it is built for, instead of its own; patches and stages stay.
        partial: beginnings of keys that may be missing, unexpected or reshaped; what is missing
            stays untrained, and the golden output is not asked for.

    Raises:
        UserError: nothing is there, another version of pixvox is wanted, a file is missing or
            changed, the card among them, a key is missing, unexpected or reshaped (all are
            listed), the backbone does not give its golden output, or it cannot be adapted.
    """
    folder = folder_of(what)
    card = read_card(folder)
    check_version(card, folder)
    check_record(folder / "card.json")
    check_files(card, folder)
    partial = (partial,) if isinstance(partial, str) else tuple(partial)
    facts, where = card["facts"], str(folder)
    wishes = {"dims": dims, "in_channels": in_channels, "image_size": image_size}
    wanted = facts | checked_wishes(wishes, facts, where)
    backbone = fresh(card["backbone"], facts, 0).eval()
    report = fit(backbone, tensors_in(folder, "backbone"), where, partial)
    if not report["missing"]:
        check_golden(folder, backbone)
    backbone, named, changes = adapt(backbone, card, wanted, where)
    intensity = Intensity(**{key: tuple(value) for key, value in card["intensity"].items()})
    return Pretrained(
        backbone=backbone,
        intensity=intensity_for(intensity, wanted["in_channels"]),
        image_size=wanted["image_size"],
        sha256=card["sha256"]["backbone.safetensors"],
        card={
            **card,
            "backbone": named,
            "facts": wanted,
            "image_size": wanted["image_size"],
            "prints": prints_at(folder, card),
        },
        fresh=partial_of(fresh, named, wanted),
        report={**report, "adapted": changes},
    )


def count_macs(backbone: nn.Module, images: Tensor) -> int:
    """Multiply-accumulates of one image; torch counts attention too."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        backbone(images[:1])
    return int(counter.get_total_flops() // 2)


def intensity_facts(intensity: Intensity) -> dict[str, Any]:
    """As it stands in a card."""
    return asdict(intensity)
