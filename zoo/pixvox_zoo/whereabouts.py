"""Whereabouts of weights: a folder, an installed package, a repository of Hugging Face."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from pixvox_registry.errors import UserError, suggestion
from pixvox_registry.places import WEIGHTS

HUB = "hf://"
HUB_FORM = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
PLAIN = re.compile(r"\w[\w.-]*")  # names of files within a folder of weights


@dataclass(frozen=True)
class Installed:
    """Weights that pip has installed.

    Args:
        folder: None where the package is gone, or is none.
        distribution: name and version of the wheel.
    """

    name: str
    folder: Path | None
    distribution: str


def folder_of(what: Path | str) -> Path:
    """The folder that holds some weights.

    Args:
        what: a folder; the name of installed weights; or ``hf://owner/name``, of which
            ``hf://owner/name@revision`` is one version.

    Raises:
        UserError: nothing bears the name, several packages do, or the repository is not to be had.
    """
    text = str(what)
    if text.startswith(HUB):
        return from_hub(text)
    if isinstance(what, Path) or "/" in text or text.startswith((".", "~")):
        return Path(what).expanduser()
    there = installed()
    bearers = [one for one in there if one.name == text]
    if len({one.distribution for one in bearers}) > 1:
        brought = " and by ".join(one.distribution for one in bearers)
        raise UserError(f"Weights {text!r} are brought by {brought}. Uninstall one of them.")
    if bearers and bearers[0].folder is None:
        raise UserError(f"{bearers[0].distribution} brings no package of weights {text!r}.")
    if bearers:
        return Path(bearers[0].folder or "")
    if Path(text).is_dir():
        return Path(text)
    raise UserError(
        f"No installed weights are called {text!r}, and no folder is."
        f"{suggestion(text, [one.name for one in there])} "
        "`pixvox weights` lists what is installed."
    )


def installed() -> list[Installed]:
    """All installed weights by name; nothing of them is imported."""
    found = {
        Installed(point.name, package_folder(point.value), distribution_of(point))
        for point in entry_points(group=WEIGHTS)
    }
    return sorted(found, key=lambda one: (one.name, one.distribution))


def package_folder(package: str) -> Path | None:
    """Where a package lies, without importing it; None where it is gone, or is inside another."""
    if not package.isidentifier():
        return None
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    places = None if spec is None else spec.submodule_search_locations
    return Path(next(iter(places))) if places else None


def distribution_of(point: EntryPoint) -> str:
    """Name and version of the wheel that an entry point came with."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"


def from_hub(text: str) -> Path:
    """A repository of Hugging Face in its own cache: ``card.json`` and the files that it lists.

    ``HF_HUB_OFFLINE``, ``HF_HOME`` and ``HF_ENDPOINT`` hold as everywhere.

    Raises:
        UserError: the address is malformed, or a file is neither in the cache nor to be had.
    """
    match = HUB_FORM.fullmatch(text)
    if match is None:
        raise UserError(f"Weights of a hub are hf://OWNER/NAME or with @REVISION; {text!r} came.")
    owner_and_name, revision = match.groups()
    from huggingface_hub import hf_hub_download

    def fetched(file: str, revision: str | None) -> Path:
        try:
            return Path(hf_hub_download(owner_and_name, file, revision=revision))
        except Exception as error:  # what a hub raises depends on its client and on the network
            reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
            raise UserError(
                f"{file} of {text} is neither in the cache of Hugging Face nor to be had: "
                f"{type(error).__name__} {reason}"
            ) from None

    card = fetched("card.json", revision)
    folder = card.parent  # .../snapshots/COMMIT
    for name in listed_files(card):
        fetched(name, folder.name)
    return folder


def listed_files(card: Path) -> list[str]:
    """Names of the files whose digests a card gives; whatever else it says is read later.

    Raises:
        UserError: it gives none, or a name that is no plain file's.
    """
    try:
        names = list(json.loads(card.read_text())["sha256"])
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{card} is no card of weights: it lists no file by sha256.") from None
    check_plain(names, card)
    return names


def check_plain(names: list[str], card: Path) -> None:
    """Refuse names that would lead out of the folder."""
    for name in names:
        if not PLAIN.fullmatch(name):
            raise UserError(f"{card} lists {name!r}, which is no plain name of a file; refused.")
