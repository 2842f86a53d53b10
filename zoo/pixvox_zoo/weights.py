"""Weights: tensors, a card and a README in one folder, verified whenever they are loaded."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from functools import partial as partial_of
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from packaging.specifiers import SpecifierSet
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pixvox_registry import BACKBONES, prints
from pixvox_registry.artifacts import canonical_json, digest, publish_folder
from pixvox_registry.contracts import Pretrained
from pixvox_registry.draws import generator, key
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.prints import Prints
from pixvox_zoo.adaptation import adapted, check_agreement, intensity_for
from pixvox_zoo.assembly import assemble
from pixvox_zoo.card_text import readme
from pixvox_zoo.whereabouts import check_plain, folder_of

FORMAT = 2
PRINTS = "cases.safetensors"  # prints of the cases that were shown, beside the card
GOLDEN_TOLERANCE = 1e-4  # across machines and torch versions; the same environment gives equal bits


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
    image, the sha256 of the tensors, and a golden pair of input and output. It must hold
    ``backbone`` (name, settings), ``facts``, ``intensity`` and ``image_size``.

    Args:
        shown: prints of all cases that it was shown, by dims; empty if it was shown none, None if
            nobody knows.
        half: store numbers as float16; the backbone itself is rounded to them.
    """
    backbone = backbone.eval().cpu()
    images = golden_input(card)
    tensors = {name: tensor.contiguous().clone() for name, tensor in backbone.state_dict().items()}
    if half:
        tensors = {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}
        backbone.load_state_dict(tensors)

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
            "stored": "float16" if half else "float32",
            "parameters": sum(p.numel() for p in backbone.parameters()),
            "macs": count_macs(backbone, images),
            "sha256": {file.name: digest(file) for file in sorted(place.iterdir())},
        }
        (place / "card.json").write_bytes(canonical_json(whole))
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
        image_size: side that it is built for, instead of its own.
        partial: beginnings of keys that may be missing, unexpected or reshaped; what is missing
            stays untrained, and the golden output is not asked for.

    Raises:
        UserError: nothing is there, another version of pixvox is wanted, a file is missing or
            changed, a key is missing, unexpected or reshaped (all are listed), the backbone does
            not give its golden output, or it cannot be adapted.
    """
    folder = folder_of(what)
    card = read_card(folder)
    check_version(card, folder)
    check_files(card, folder)
    if isinstance(partial, str):
        partial = (partial,)

    def fresh(facts: Mapping[str, Any], seed: int) -> nn.Module:
        named = card["backbone"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key(seed, "fresh"))
            built: nn.Module = assemble(BACKBONES, named["name"], named["settings"], facts)
        return built

    facts, where = card["facts"], str(folder)
    tensors = load_file(folder / "backbone.safetensors")
    backbone = fresh(facts, 0).eval()
    report = {"adapted": [], **fit(backbone, tensors, where, partial=partial)}
    if not partial:
        check_golden(folder, backbone)
    intensity = Intensity(**{key: tuple(value) for key, value in card["intensity"].items()})
    wishes = {"dims": dims, "in_channels": in_channels, "image_size": image_size}
    wanted = facts | {name: wish for name, wish in wishes.items() if wish is not None}
    if wanted != facts:
        given, backbone = backbone, fresh(wanted, 0).eval()
        made, report["adapted"] = adapted(given.state_dict(), given, backbone)
        fit(backbone, made, f"{where}, adapted,")
        if wanted["image_size"] == facts["image_size"]:
            check_agreement(given, backbone, golden_input(card), wanted, where)
        intensity = intensity_for(intensity, wanted["in_channels"])
    return Pretrained(
        backbone=backbone,
        intensity=intensity,
        image_size=wanted["image_size"],
        sha256=card["sha256"]["backbone.safetensors"],
        card={
            **card,
            "facts": wanted,
            "image_size": wanted["image_size"],
            "prints": prints_at(folder, card),
        },
        fresh=partial_of(fresh, wanted),
        report=report,
    )


def check_version(card: Mapping[str, Any], folder: Path) -> None:
    """Refuse weights that say they are for other versions of pixvox."""
    wanted, here = card.get("requires_pixvox", ""), version("pixvox")
    if not SpecifierSet(wanted).contains(here, prereleases=True):
        raise UserError(
            f"{folder} is for pixvox {wanted}; this is {here}. Install a pixvox of that range, or "
            "a newer version of the weights."
        )


def check_files(card: Mapping[str, Any], folder: Path) -> None:
    """Refuse a folder whose files are not those that its card gives the digests of."""
    if lacking := sorted({"backbone.safetensors", "golden.safetensors"} - card["sha256"].keys()):
        raise UserError(f"The card of {folder} gives no sha256 of {', '.join(lacking)}; refused.")
    check_plain(list(card["sha256"]), folder / "card.json")
    for name, expected in card["sha256"].items():
        if not (folder / name).is_file():
            raise UserError(f"{folder} lacks {name}, which its card lists.")
        if digest(folder / name) != expected:
            raise UserError(f"{folder / name} has another sha256 than its card says; refused.")


def folder_in(run: Path) -> Path:
    """The folder of the weights of a run; what is no run is taken for weights."""
    return run / "weights" if (run / "weights" / "card.json").is_file() else run


def digests_of(run: Path) -> set[str]:
    """sha256 of the tensors, and of those that they were rounded from."""
    card = read_card(folder_in(run))
    return {card["sha256"]["backbone.safetensors"], *filter(None, [card.get("made_from")])}


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


def fit(
    backbone: nn.Module,
    tensors: Mapping[str, Tensor],
    where: str,
    *,
    partial: Collection[str] = (),
) -> dict[str, list[str]]:
    """Load tensors strictly; the names of those ``loaded``, ``missing`` and ``unexpected``.

    Args:
        partial: beginnings of names that may be missing, unexpected or reshaped.

    Raises:
        UserError: lists every missing, unexpected and reshaped key.
    """
    own = backbone.state_dict()
    reshaped = [n for n in own.keys() & tensors.keys() if own[n].shape != tensors[n].shape]
    found = {
        "loaded": sorted(own.keys() & tensors.keys() - set(reshaped)),
        "missing": sorted({*own.keys() - tensors.keys(), *reshaped}),
        "unexpected": sorted({*tensors.keys() - own.keys(), *reshaped}),
    }
    faults = [f"missing {name}" for name in own.keys() - tensors.keys()]
    faults += [f"unexpected {name}" for name in tensors.keys() - own.keys()]
    faults += [
        f"reshaped {name} ({list(tensors[name].shape)} for {list(own[name].shape)})"
        for name in reshaped
    ]
    allowed = tuple(partial)
    faults = [fault for fault in faults if not fault.split()[1].startswith(allowed or "\0")]
    if faults:
        raise UserError(f"{where} does not fit what is built: {'; '.join(sorted(faults))}.")
    backbone.load_state_dict({name: tensors[name] for name in found["loaded"]}, strict=not allowed)
    return found


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
