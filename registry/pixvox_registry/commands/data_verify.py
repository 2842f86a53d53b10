"""``pixvox data verify``: what is wrong with data on this disk, and whether it is official."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixvox_registry import COMMANDS, SOURCES, UserError
from pixvox_registry.console import say, show_table

if TYPE_CHECKING:
    from pixvox_registry.faults.finding import Finding

SHOWN = 3  # files of a finding on a line of a terminal; --json has them all


@COMMANDS.register
def data_verify(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PATH", help="A folder or a file; or a source: medmnist:breastmnist"
        ),
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Every dataset that is found under $PIXVOX_DATA.")
    ] = False,
    codes: Annotated[
        bool, typer.Option("--codes", help="List every fault and its severity.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option(help="No progress bar.")] = False,
) -> None:
    """Find what is wrong with data on disk; exit code 1 if there is an error, 0 for warnings alone.

    PATH is a task of the Decathlon (with dataset.json), a folder of NIfTI volumes, of pictures, of
    DICOM series or of MedMNIST npz files, or one such file. Label maps lie in labels* or masks*
    beside images*, under the name of their image; or beside their image, under its name and _seg,
    _mask, _label, _gt or the like; or are seg or mask alone in the folder of a case. Splits are
    those of splits.json, of a column `split` in labels.csv, or of folders train, val and test.

    A source, or --all, is read split by split and its checksum is compared with the official one.

    Example: pixvox data verify Task04_Hippocampus

    Example: pixvox data verify scans --json > findings.json

    Example: pixvox data verify --codes

    Example: pixvox data verify --all
    """
    if [bool(what), everything, codes].count(True) != 1:
        raise UserError(
            "Name one path or source, for example scans or medmnist:breastmnist; or say --all, "
            "or --codes."
        )
    if codes:
        show_table(_faults(), as_json=json)
    elif what and Path(what).expanduser().exists():
        _verify_path(Path(what).expanduser(), as_json=json, quiet=quiet)
    elif what and ":" not in what and any(sign in what for sign in "/.~"):
        raise UserError(f"There is no {what}. A folder, a file or a source was wanted.")
    else:
        _verify_sources(on_this_disk() if everything else [what], as_json=json)


def _faults() -> list[dict[str, Any]]:
    from pixvox_registry.faults import verify  # noqa: F401  # brings every family
    from pixvox_registry.faults.finding import known_faults

    return [
        {"code": fault.code, "severity": fault.severity, "meaning": fault.meaning}
        for fault in known_faults().values()
    ]


def _verify_path(path: Path, *, as_json: bool, quiet: bool) -> None:
    from pixvox_registry.faults.finding import ERROR
    from pixvox_registry.faults.verify import verify

    report = verify(path, quiet=quiet)
    if as_json:
        show_table([_row(finding) for finding in report.findings], as_json=True)
    else:
        show_table([_line(finding) for finding in report.findings])
        for code, hint in sorted({(finding.code, finding.hint) for finding in report.findings}):
            say(f"{code}: {hint}")
    errors = sum(finding.severity == ERROR for finding in report.findings)
    others = len(report.findings) - errors
    say(f"{path}: {report.images} images; errors: {errors}, warnings: {others}")
    if errors:
        raise typer.Exit(1)


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "code": finding.code,
        "files": list(finding.files),
        "finding": finding.text,
        "hint": finding.hint,
    }


def _line(finding: Finding) -> dict[str, Any]:
    files = finding.files
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    row = {**_row(finding), "files": ", ".join(files[:SHOWN]) + more}
    row.pop("hint")
    return row


def _verify_sources(lines: Iterable[str], *, as_json: bool) -> None:
    rows = [verified(line) for line in lines]
    if as_json:
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
