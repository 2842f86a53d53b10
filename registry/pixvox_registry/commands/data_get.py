"""``pixvox data get``: download a public dataset, resumable and proved by its checksum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pixvox_registry import COMMANDS, SOURCES, UserError
from pixvox_registry.console import progress, say
from pixvox_registry.errors import unknown

if TYPE_CHECKING:
    from pixvox_registry.download import Downloadable

KILO = 1000


@COMMANDS.register
def data_get(
    source: Annotated[
        str, typer.Argument(help="medmnist:breastmnist, breastmnist, pathmnist,size=64, ...")
    ],
    mirror: Annotated[
        str, typer.Option(help="URL of a folder that holds the same files under the same names.")
    ] = "",
    quiet: Annotated[bool, typer.Option(help="No progress bar.")] = False,
) -> None:
    """Download a dataset into $PIXVOX_DATA; what was interrupted goes on where it stopped.

    Example: pixvox data get medmnist:breastmnist
    """
    from pixvox_registry.download import fetch

    for remote in downloadable(source).remotes():
        url = f"{mirror.rstrip('/')}/{remote.file.name}" if mirror else remote.url
        with progress(quiet=quiet) as bar:
            task = bar.add_task(f"{remote.file.name} (kB)", total=None)

            def show(here: int, whole: int | None) -> None:
                total = None if whole is None else whole // KILO
                bar.update(task, completed=here // KILO, total=total)  # noqa: B023

            fetch(url, remote.file, remote.md5, show)
        say(f"{remote.file}: md5 {remote.md5}, official.")


def downloadable(text: str) -> Downloadable:
    """The source of a line; a bare name of a dataset finds the source that offers it."""
    from pixvox_registry.download import Downloadable
    from pixvox_registry.source_spec import build_source, parse_source

    name = parse_source(text)[0]
    if name not in SOURCES:
        owners = {
            dataset: known
            for known, factory in SOURCES.sound()
            for dataset in getattr(factory, "offers", tuple)()
        }
        if name not in owners:
            raise unknown("dataset", name, owners)
        text = f"{owners[name]}:{text}"
    source = build_source(text)
    if not isinstance(source, Downloadable):
        raise UserError(f"{text} is not downloaded: source {name!r} makes or finds its cases here.")
    return source
