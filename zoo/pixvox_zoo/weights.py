"""Weights: tensors, a card and a README in one folder, verified whenever they are loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pixvox_registry import BACKBONES, prints
from pixvox_registry.artifacts import canonical_json, digest, publish_folder
from pixvox_registry.contracts import Pretrained
from pixvox_registry.draws import generator, key
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.prints import Prints
from pixvox_zoo.assembly import assemble

FORMAT = 2
PRINTS = "cases.safetensors"  # prints of the cases that were shown, beside the card
GOLDEN_TOLERANCE = 1e-4  # across machines and torch versions; the same environment gives equal bits


def save(
    folder: Path,
    backbone: nn.Module,
    card: Mapping[str, Any],
    shown: Mapping[int, Prints] | None = None,
) -> Path:
    """Publish a weights folder.

    The card is completed with the format, the number of parameters, multiply-accumulates of one
    image, the sha256 of the tensors, and a golden pair of input and output. It must hold
    ``backbone`` (name, settings), ``facts``, ``intensity`` and ``image_size``.

    Args:
        shown: prints of all cases that it was shown, by dims; empty if it was shown none, None if
            nobody knows.
    """
    backbone = backbone.eval().cpu()
    images = golden_input(card)
    tensors = {name: tensor.contiguous().clone() for name, tensor in backbone.state_dict().items()}

    def fill(place: Path) -> None:
        save_file(tensors, place / "backbone.safetensors")
        with torch.inference_mode():
            golden = {"input": images, "output": backbone(images).pooled.clone()}
        save_file(golden, place / "golden.safetensors")
        if shown:
            prints.write(place / PRINTS, shown)
        whole = {
            **card,
            "data": {**card["data"], "prints": prints_told(shown)},
            "format": FORMAT,
            "parameters": sum(p.numel() for p in backbone.parameters()),
            "macs": count_macs(backbone, images),
            "sha256": {file.name: digest(file) for file in sorted(place.iterdir())},
        }
        (place / "card.json").write_bytes(canonical_json(whole))
        (place / "README.md").write_text(readme(whole))

    publish_folder(folder, fill)
    return folder


def load(folder: Path | str) -> Pretrained:
    """A backbone in eval mode, with the intensity scale that feeds it.

    Raises:
        UserError: a file is missing or changed, a key is missing, unexpected or reshaped (all are
            listed), or the backbone does not give its golden output.
    """
    folder = Path(folder)
    card = read_card(folder)
    if lacking := sorted({"backbone.safetensors", "golden.safetensors"} - card["sha256"].keys()):
        raise UserError(f"The card of {folder} gives no sha256 of {', '.join(lacking)}; refused.")
    for name, expected in card["sha256"].items():
        if not (folder / name).is_file():
            raise UserError(f"{folder} lacks {name}, which its card lists.")
        if digest(folder / name) != expected:
            raise UserError(f"{folder / name} has another sha256 than its card says; refused.")
    named = card["backbone"]

    def fresh(seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key(seed, "fresh"))
            built: nn.Module = assemble(BACKBONES, named["name"], named["settings"], card["facts"])
        return built

    backbone = fresh(0)
    fit(backbone, load_file(folder / "backbone.safetensors"), str(folder))
    backbone.eval()
    check_golden(folder, backbone)
    return Pretrained(
        backbone=backbone,
        intensity=Intensity(**{key: tuple(value) for key, value in card["intensity"].items()}),
        image_size=card["image_size"],
        sha256=card["sha256"]["backbone.safetensors"],
        card={**card, "prints": prints_at(folder, card)},
        fresh=fresh,
    )


def prints_told(shown: Mapping[int, Prints] | None) -> str:
    """What a card says of the cases that were shown: the name of a file, nothing or unknown."""
    return prints.UNKNOWN if shown is None else PRINTS if shown else prints.NOTHING


def prints_at(folder: Path, card: Mapping[str, Any]) -> str:
    """The same as a benchmark reads it, with the whole path.

    Raises:
        UserError: the card names a file that it gives no sha256 of.
    """
    told = card["data"].get("prints", prints.UNKNOWN)
    if told in (prints.NOTHING, prints.UNKNOWN):
        return str(told)
    if told not in card["sha256"]:
        raise UserError(f"The card of {folder} names prints in {told!r} and gives no sha256 of it.")
    return str(folder / told)


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a weights folder."""
    file = folder / "card.json"
    if not file.is_file():
        raise UserError(
            f"{folder} holds no card.json; a weights folder is what `pixvox pretrain` writes."
        )
    try:
        card: dict[str, Any] = json.loads(file.read_text())
    except ValueError as error:
        raise UserError(f"{file} is not JSON: {error}") from None
    if card.get("format") != FORMAT:
        raise UserError(f"{file} has format {card.get('format')!r}; this pixvox reads {FORMAT}.")
    return card


def fit(backbone: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Load tensors strictly.

    Raises:
        UserError: lists every missing, unexpected and reshaped key.
    """
    own = backbone.state_dict()
    faults = [f"missing {name}" for name in own.keys() - tensors.keys()]
    faults += [f"unexpected {name}" for name in tensors.keys() - own.keys()]
    faults += [
        f"reshaped {name} ({list(tensors[name].shape)} for {list(own[name].shape)})"
        for name in own.keys() & tensors.keys()
        if own[name].shape != tensors[name].shape
    ]
    if faults:
        raise UserError(f"{where} does not fit what is built: {'; '.join(sorted(faults))}.")
    backbone.load_state_dict(dict(tensors))


def check_golden(folder: Path, backbone: nn.Module) -> None:
    """Refuse a backbone that does not give the output its maker saw."""
    golden = load_file(folder / "golden.safetensors")
    with torch.inference_mode():
        output = backbone(golden["input"]).pooled
    difference = float((output - golden["output"]).abs().max())
    if not difference <= GOLDEN_TOLERANCE * max(1.0, float(golden["output"].abs().max())):
        raise UserError(f"{folder} gives another output than its golden one (by {difference:.1e}).")


def golden_input(card: Mapping[str, Any]) -> Tensor:
    """Two standardised images of noise: ``[2, C, *S]``."""
    facts = card["facts"]
    shape = (2, facts["in_channels"], *[card["image_size"]] * facts["dims"])
    return torch.randn(shape, generator=generator(0, "golden"))


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


def readme(card: Mapping[str, Any]) -> str:
    """The card in prose."""
    data = card["data"]
    black, white = card["intensity"]["value_range"]
    return "\n".join(
        [
            f"# {card['name']}",
            "",
            f"{card['recipe']['title']} on {data['dataset']}: a {card['facts']['dims']}D "
            f"{card['backbone']['name']} with {card['parameters']:,} parameters.",
            "",
            "```python",
            "import pixvox_zoo",
            "",
            'pretrained = pixvox_zoo.load("path/to/this/folder")',
            "features = pretrained.backbone(pretrained.intensity.standardise(images)).pooled",
            "```",
            "",
            f"Images are `[B, {card['facts']['in_channels']}, "
            f"{', '.join([str(card['image_size'])] * card['facts']['dims'])}]` in the units of the "
            f"pretraining data: {black:g} is black and {white:g} is white.",
            f"Data licence: {data.get('licence', 'unknown')}. Recipe sha256: "
            f"`{card['recipe']['sha256'][:12]}`.",
            "",
        ]
    )
