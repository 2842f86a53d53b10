"""``pixvox data verify``: what is on this disk, and whether it is official."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pixvox_registry import COMMANDS, SOURCES, UserError
from pixvox_registry.console import say, show_table


@COMMANDS.register
def data_verify(
    source: Annotated[str, typer.Argument(help="medmnist:breastmnist, image_folder:/scans")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Every dataset that is found under $PIXVOX_DATA.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Read every split and compare the checksum; exit code 1 if anything is found wanting.

    Example: pixvox data verify --all
    """
    if bool(source) == everything:
        raise UserError("Name one source, for example medmnist:breastmnist, or say --all.")
    rows = [verified(line) for line in (on_this_disk() if everything else [source])]
    if json:
        show_table(rows, as_json=True)
    else:
        show_table([_short(row) for row in rows])
    findings = [f"{row['source']}: {row['finding']}" for row in rows if row["finding"]]
    for finding in findings:
        say(finding)
    if findings:
        raise typer.Exit(1)


def on_this_disk() -> list[str]:
    """A line for each dataset that some source recognises under ``$PIXVOX_DATA``."""
    return [line for _, source in SOURCES.sound() for line in getattr(source, "found", list)()]


def verified(line: str) -> dict[str, Any]:
    """One row: state, number of cases by split, sha256, and what is wrong with it.

    Raises:
        UserError: the line names no source; data that is missing or damaged is a finding instead.
    """
    from pixvox_registry.source_spec import build_source

    source = build_source(line)
    row: dict[str, Any] = {"source": line, "dims": source.dims, "state": "missing", "cases": None}
    row |= {"licence": None, "sha256": None}
    try:
        facts = source.facts()
        state = "official" if facts["verified"] else "unverified"
        row |= {"state": state, "licence": facts["licence"], "sha256": facts["sha256"]}
        row["cases"] = "/".join(str(len(source.cases(split))) for split in source.splits)
    except UserError as error:
        return {**row, "finding": str(error)}
    return {**row, "finding": None}


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """What fits on a line of a terminal; the findings follow the table."""
    sha256, finding = row["sha256"], row["finding"]
    return {**row, "sha256": sha256 and sha256[:12], "finding": "see below" if finding else None}
