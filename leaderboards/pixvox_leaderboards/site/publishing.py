"""Puts a site into a folder: each file whole, what an older site left there gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pixvox_registry.artifacts import canonical_json, digest, publish
from pixvox_registry.errors import UserError

MANIFEST = "site.json"  # names every file of the site with its sha256
SCHEMA = 1


def write(pages: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Publish pages and forget those of an older site; files of others stay as they are.

    Returns the files.

    Raises:
        UserError: as :func:`older_site`, or a file of that name stands there that no site wrote;
            nothing is written then.
    """
    older = older_site(folder)
    foreign = sorted(n for n in pages if n not in older and (folder / n).exists())
    if foreign:
        raise UserError(
            f"A site was to be written to {folder}; {', '.join(foreign[:3])} "
            f"{'stands' if len(foreign) == 1 else 'stand'} there and no site wrote "
            f"{'it' if len(foreign) == 1 else 'them'}. Name another folder, or move what is there."
        )
    newer = {name: hashlib.sha256(content).hexdigest() for name, content in pages.items()}
    _publish_manifest(folder, {**older, **newer})  # a killed writer leaves no file unnamed
    for name, content in pages.items():
        publish(folder / name, content)
    for name in sorted(older.keys() - newer.keys()):
        _forget(folder / name, older[name])
    _publish_manifest(folder, newer)
    return [folder / name for name in pages]


def older_site(folder: Path) -> dict[str, str]:
    """The files of the site that stands in a folder, with their sha256; none in an empty one.

    Raises:
        UserError: it is no folder, or what it holds was not written by a site.
    """
    if folder.is_dir() and not (folder / MANIFEST).exists():
        there = sorted(path.name for path in folder.iterdir())
        if there:
            raise UserError(
                f"A site was to be written to {folder}; no site wrote what is there "
                f"({', '.join(there[:3])}{', ...' if len(there) > 3 else ''}). Name a new or an "
                f"empty folder, such as {folder / 'site'}."
            )
    if folder.exists() and not folder.is_dir():
        raise UserError(f"A site was to be written to {folder}, which is a file. Name a folder.")
    return _read(folder / MANIFEST)


def _publish_manifest(folder: Path, files: Mapping[str, str]) -> None:
    publish(folder / MANIFEST, canonical_json({"schema": SCHEMA, "site": dict(files)}))


def _forget(file: Path, sha256: str) -> None:
    """Remove a file of an older site, unless somebody changed it since: then it is theirs."""
    if file.is_file() and digest(file) == sha256:
        file.unlink()


def _read(manifest: Path) -> dict[str, str]:
    """The files of the site that stands in a folder, with their sha256.

    Raises:
        UserError: the manifest is not one of a site, or names a file outside its folder.
    """
    if not manifest.exists():
        return {}
    try:
        facts = json.loads(manifest.read_bytes())
        files = facts["site"] if facts["schema"] == SCHEMA else None
    except (ValueError, KeyError, TypeError):
        files = None
    if not isinstance(files, dict) or not all(
        _is_below(name) and isinstance(sha256, str) for name, sha256 in files.items()
    ):
        raise UserError(
            f"{manifest} should list the files of a site; it does not. Name another folder, or "
            "move this file away."
        )
    return files


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and name != MANIFEST
