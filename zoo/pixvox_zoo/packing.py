"""Packing: weights to a wheel that pip installs, the same bytes each time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import torch
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.version import InvalidVersion, Version

from pixvox_registry import prints
from pixvox_registry.artifacts import publish
from pixvox_registry.errors import UserError
from pixvox_registry.places import WEIGHTS
from pixvox_registry.prints import Prints
from pixvox_zoo import weights, weights_card

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
PREFIX = "pixvox-weights-"  # of distributions
EPOCH = "1600000000"  # the time that every member of a wheel bears
UNSETTLED = ("", "unknown")  # what a card says where it knows no licence


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What a wheel is called and allowed.

    Args:
        name: lower case letters, digits and single hyphens; ``pixvox_zoo.load`` takes it.
        version: as PEP 440 has it.
        licence: of the weights, an SPDX expression.
        data_licence: of the pretraining data, where the card does not know it.
        licence_text: of the file LICENSE; by default it says where the text is to be found.
        half: store numbers as float16.
        scores: what was measured of the weights, for card and README.
    """

    name: str
    version: str
    licence: str
    data_licence: str = ""
    licence_text: str = ""
    half: bool = False
    scores: Sequence[Mapping[str, Any]] = ()

    @property
    def distribution(self) -> str:
        """What pip installs."""
        return PREFIX + self.name

    @property
    def package(self) -> str:
        """The folder in which the weights lie when they are installed."""
        return self.distribution.replace("-", "_")

    def checked(self) -> Parcel:
        """The same, spelt as the standards spell it.

        Raises:
            UserError: a name, version or licence that is none.
        """
        if not NAME.fullmatch(self.name):
            raise UserError(
                f"Weights are called by lower case letters, digits and single hyphens, for example "
                f"swav-resnet18-breast; {self.name!r} came."
            )
        try:
            number = str(Version(self.version))
            licence = canonicalize_license_expression(self.licence)
        except InvalidVersion:
            raise UserError(f"A version is as 1.0.0; {self.version!r} came.") from None
        except InvalidLicenseExpression:
            raise UserError(
                f"A licence is an SPDX expression, as CC-BY-4.0 or Apache-2.0; {self.licence!r} "
                "came. https://spdx.org/licenses lists them."
            ) from None
        return replace(self, version=number, licence=licence)


def pack(run: Path, parcel: Parcel, out: Path) -> Path:
    """A wheel in ``out`` that holds the weights of a run, their card, README and licence.

    It is built in a temporary folder outside any repository, and each of its members is compared
    with what was put in.

    Args:
        run: a run folder, or a folder of weights.

    Raises:
        UserError: a name, version or licence that is none, weights that do not load, data whose
            licence is unsettled or forbids what the weights' licence allows, or a wheel that does
            not hold what it should.
    """
    parcel = parcel.checked()
    pretrained = weights.load(weights_card.folder_in(run))
    card = card_of(pretrained.card, parcel)
    with tempfile.TemporaryDirectory(prefix="pixvox-pack-") as place:
        package = Path(place) / parcel.package
        with torch.no_grad():
            shown = shown_to(pretrained.card["prints"])
            weights.save(package, pretrained.backbone, card, shown, half=parcel.half)
        (package / "__init__.py").write_text(f'"""{parcel.name}: weights for PixVox."""\n')
        (package / "LICENSE").write_text(parcel.licence_text or licence_told(card))
        (Path(place) / "pyproject.toml").write_text(project(card, parcel))
        (Path(place) / "README.md").write_bytes((package / "README.md").read_bytes())
        wheel = build(Path(place))
        check_members(wheel, package)
        publish(out / wheel.name, wheel.read_bytes())
        return out / wheel.name


def shown_to(told: str) -> Mapping[int, Prints] | None:
    """Prints of the cases that weights were shown, as a loaded card tells them."""
    if told == prints.NOTHING:
        return {}
    return None if told == prints.UNKNOWN else prints.read(Path(told))


def card_of(card: Mapping[str, Any], parcel: Parcel) -> dict[str, Any]:
    """The card of packed weights: who may use them, with what, and what was measured.

    Raises:
        UserError: the licence of the data is unsettled, or forbids what the weights' allows.
    """
    sources = [
        {**source, "licence": settled(source, parcel)}
        for source in (card["data"], *card.get("beside", ()))
    ]
    for source in sources:
        check_licence(source["licence"], str(source["dataset"]), parcel)
    told = {
        "name": parcel.name,
        "version": parcel.version,
        "distribution": parcel.distribution,
        "licence": parcel.licence,
        "requires_pixvox": range_of(version_of("pixvox")),
        "made_from": card.get("made_from") or card["sha256"]["backbone.safetensors"],
        "scores": [dict(score) for score in parcel.scores],
    }
    kept = {name: fact for name, fact in card.items() if name not in ("prints", "shown")}
    beside = {"beside": sources[1:]} if sources[1:] else {}
    return {**kept, "data": sources[0], **beside, **told}


def settled(source: Mapping[str, Any], parcel: Parcel) -> str:
    """The licence of a source in SPDX; that which the parcel says only where the card knows none.

    Raises:
        UserError: it is unknown, or no SPDX expression, so nobody can tell what it allows.
    """
    told = str(source.get("licence") or "").strip().replace(" ", "-")
    told = parcel.data_licence if told.lower() in UNSETTLED else told
    try:
        return str(canonicalize_license_expression(told))
    except InvalidLicenseExpression:
        raise UserError(
            f"The licence of {source['dataset']}, which these weights were trained on, is "
            f"{told or 'unknown'!r}, which is no SPDX expression: its terms are not settled. Find "
            "them out and say --data-licence where the card knows none, or pack other weights."
        ) from None


def check_licence(of_data: str, dataset: str, parcel: Parcel) -> None:
    """Terms of the data that bind what is made of them: not to be sold, changed, or closed.

    Raises:
        UserError: the licence of the weights allows what that of the data forbids.
    """
    terms = {"NC": "for non-commercial use", "ND": "without derivatives", "SA": "to share alike"}
    said = set(re.split(r"[^A-Z0-9]+", of_data.upper()))
    binding = [words for term, words in terms.items() if term in said]
    free = parcel.licence != of_data if {"ND", "SA"} & said else not _is_nc(parcel.licence)
    if binding and free:
        raise UserError(
            f"{dataset} is licensed {of_data}, {' and '.join(binding)}; weights made of it cannot "
            f"be {parcel.licence}."
        )


def _is_nc(licence: str) -> bool:
    """Not to be sold, whichever of its alternatives one chooses."""
    return all("NC" in re.split(r"[^A-Z0-9]+", one) for one in licence.upper().split(" OR "))


def range_of(version: str) -> str:
    """Versions that read the same weights.

    >>> range_of("0.1.0"), range_of("2.3.1")
    ('>=0.1,<0.2', '>=2.3,<3')
    """
    major, minor = Version(version).release[:2]
    return f">={major}.{minor},<{f'0.{minor + 1}' if major == 0 else major + 1}"


def licence_told(card: Mapping[str, Any]) -> str:
    """What stands in LICENSE where no text was given."""
    sources = [card["data"], *card.get("beside", ())]
    made_of = "; ".join(f"{source['dataset']} ({source['licence']})" for source in sources)
    parts = [p for p in re.split(r" (?:AND|OR|WITH) |[()]", card["licence"]) if p]
    texts = ", ".join(f"https://spdx.org/licenses/{part}.html" for part in parts)
    return (
        f"SPDX-License-Identifier: {card['licence']}\n\n"
        f"The weights {card['name']} {card['version']} are licensed {card['licence']}. The text: "
        f"{texts}\n"
        f"They were trained on {made_of}, whose terms hold as well.\n"
    )


def project(card: Mapping[str, Any], parcel: Parcel) -> str:
    """The ``pyproject.toml`` of the wheel."""
    about = f"{card['recipe']['title']} on {card['data']['dataset']}, weights for PixVox"
    lines = [
        "[build-system]",
        'requires = ["hatchling"]',
        'build-backend = "hatchling.build"',
        "[project]",
        f"name = {json.dumps(parcel.distribution)}",
        f"version = {json.dumps(parcel.version)}",
        f"description = {json.dumps(about, ensure_ascii=False)}",
        'readme = "README.md"',
        'requires-python = ">=3.11"',
        f"license = {json.dumps(parcel.licence)}",
        f'license-files = ["{parcel.package}/LICENSE"]',
        f"dependencies = [{json.dumps('pixvox' + card['requires_pixvox'])}]",
        f'[project.entry-points."{WEIGHTS}"]',
        f"{parcel.name} = {json.dumps(parcel.package)}",
        "[tool.hatch.build]",
        "ignore-vcs = true",  # a .gitignore further up would drop files without a word
        "[tool.hatch.build.targets.wheel]",
        f"packages = [{json.dumps(parcel.package)}]",
    ]
    return "\n".join(lines) + "\n"


def build(project_folder: Path) -> Path:
    """The wheel of a project, by hatchling in a process of its own.

    Raises:
        UserError: hatchling fails; its last words.
    """
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"],
        cwd=project_folder,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
        capture_output=True,
        text=True,
    )
    wheels = sorted((project_folder / "dist").glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise UserError(f"hatchling built no wheel: {(done.stderr or done.stdout).strip()[-400:]}")
    return wheels[0]


def check_members(wheel: Path, package: Path) -> None:
    """Refuse a wheel that does not hold the files of a package, bit for bit and no other code.

    Raises:
        UserError: names the members at fault.
    """
    with zipfile.ZipFile(wheel) as archive:
        came = {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    wanted = {
        f"{package.name}/{file.name}": sha256(file.read_bytes()).hexdigest()
        for file in package.iterdir()
    }
    faults = sorted(name for name in wanted if came.get(name) != wanted[name])
    faults += sorted(n for n in came.keys() - wanted.keys() if ".dist-info/" not in n)
    if faults:
        raise UserError(f"{wheel.name} does not hold what was packed: {', '.join(faults)}.")
