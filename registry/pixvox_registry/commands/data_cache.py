"""``pixvox data cache``: what decoding has kept on this disk, and how to have less of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixvox_registry import COMMANDS, UserError
from pixvox_registry.console import say, show_table
from pixvox_registry.errors import unknown
from pixvox_registry.places import cache_root

if TYPE_CHECKING:
    from pixvox_registry.cache import Held

BYTES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@COMMANDS.register
def data_cache(
    kind: Annotated[
        str, typer.Argument(help="Entries of one kind alone: image_folder, nifti, resized, ...")
    ] = "",
    limit: Annotated[
        str, typer.Option(help="Remove what was used least recently until 20GB are left.")
    ] = "",
    clean: Annotated[bool, typer.Option("--clean", help="Remove all of them.")] = False,
    stale: Annotated[
        bool,
        typer.Option("--stale", help="Remove what is broken, or made from files that are gone."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Show, limit or clean the cache of decoded files, $PIXVOX_CACHE.

    Whatever is removed is made again when it is wanted. What another process reads or writes is
    left, and so is every file that PixVox did not put there.

    Example: pixvox data cache

    Example: pixvox data cache --limit 20GB --dry-run

    Example: pixvox data cache --clean nifti
    """
    from pixvox_registry.cache import clear, held

    if [bool(limit), clean, stale].count(True) > 1:
        raise UserError("Say one of --limit, --clean and --stale; several came.")
    if dry_run and not (limit or clean or stale):
        raise UserError("--dry-run goes with --limit, --clean or --stale; it came alone.")
    limit_bytes = bytes_said(limit) if limit else None
    entries = held()
    kinds = {one.kind for one in entries}
    if kind and kind not in kinds:
        raise unknown("kind of the cache", kind, kinds)
    entries = [one for one in entries if kind in ("", one.kind)]
    if not (limit or clean or stale):
        show_table([row_of(one, brief=not json) for one in entries], as_json=json)
        say(f"{told(entries)} in {cache_root()}")
        return
    wanted = [one for one in entries if one.stale] if stale else entries
    went = clear(wanted, limit_bytes=limit_bytes, dry_run=dry_run)
    show_table(removed(went, brief=not json), as_json=json)
    gone = [one for one, did in went.items() if did]
    rest = [one for one in entries if one not in gone]
    busy = len(went) - len(gone)
    say(
        f"{'would be removed' if dry_run else 'removed'}: {told(gone)}; left: {told(rest)}"
        + (f", {busy} of them because they are in use" if busy else "")
    )


def bytes_said(text: str) -> float:
    """``20GB``, ``500 MB`` or ``1.5T``; powers of ten.

    Raises:
        UserError: no size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B?", text.strip())
    if match is None:
        raise UserError(f"--limit wants a size, for example 20GB or 500MB; {text!r} came.")
    return float(match[1]) * BYTES[match[2]]


def row_of(one: Held, *, brief: bool) -> dict[str, Any]:
    """A line of the table, or all that is known."""
    used = datetime.fromtimestamp(one.used, UTC)
    state = "root gone" if one.rootless else one.state
    if brief:
        return {
            "kind": one.kind,
            "source": None if one.root is None else str(one.root),
            "files": one.files or None,
            "MB": round(one.size_bytes / 1e6, 1),
            "last used": used.strftime("%Y-%m-%d %H:%M"),
            "state": state,
        }
    return {
        "kind": one.kind,
        "folder": str(one.folder),
        "root": None if one.root is None else str(one.root),
        "root_exists": None if one.root is None else not one.rootless,
        "files": one.files or None,
        "bytes": one.size_bytes,
        "used": used.isoformat(timespec="seconds"),
        "state": one.state,
    }


def removed(went: Mapping[Held, bool], *, brief: bool) -> list[dict[str, Any]]:
    """A line for each entry whose turn came, and whether it went."""
    return [{**row_of(one, brief=brief), "removed": did} for one, did in went.items()]


def told(entries: list[Held]) -> str:
    """How many, and how large."""
    size = sum(one.size_bytes for one in entries) / 1e6
    return f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}, {size:,.1f} MB"
