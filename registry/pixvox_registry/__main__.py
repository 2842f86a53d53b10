"""The command line. Every command is a plugin: ``data_get.py`` is ``pixvox data get``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import typer

from pixvox_registry import COMMANDS, UserError
from pixvox_registry.errors import unknown

SUMMARY = "Self-supervised learning on medical images and volumes: make, measure, compare."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``pixvox COMMAND ...``; exit code 0 done, 1 findings, 2 wrong input, 75 resume me."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        compose(wanted(words))(words or ["--help"])
    except UserError as error:
        typer.secho(f"pixvox: {error}", err=True)
        raise SystemExit(2) from None
    except OSError as error:
        if error.errno is None:  # a library's own, and no word of the system
            raise
        typer.secho(f"pixvox: {refused(error)}", err=True)
        raise SystemExit(2) from None


def refused(error: OSError) -> str:
    """What the system does not let us do with a file, in a sentence."""
    place = "" if error.filename is None else f" {str(error.filename)[:200]!r}"
    return (
        f"The system refuses{place}: {error.strerror}. Name another file or folder, or see to its "
        "rights and the room on its disk."
    )


def wanted(words: Sequence[str]) -> Iterable[tuple[str, Callable[..., Any]]]:
    """The commands that must be imported to answer: the one that is called, else all sound ones.

    Raises:
        UnknownName: no command begins with the first word.
        BrokenPlugin: the one that is called cannot be imported.
    """
    if not words or words[0].startswith("-"):
        return COMMANDS.sound()
    called = ["_".join(words[:2]), words[0]]
    exact = [name for name in called if name in COMMANDS]
    group = [name for name in COMMANDS if name.startswith(f"{words[0]}_")]
    if not exact and not group:
        raise unknown("command", words[0], COMMANDS)
    return [(name, COMMANDS.get(name)) for name in exact[:1]] or COMMANDS.sound(group)


def compose(commands: Iterable[tuple[str, Callable[..., Any]]]) -> typer.Typer:
    """The typer application of some commands."""
    app = typer.Typer(
        help=SUMMARY, add_completion=False, no_args_is_help=True, rich_markup_mode="markdown"
    )
    app.callback()(lambda: None)  # a lone command keeps its name
    groups: dict[str, typer.Typer] = {}
    for name, command in commands:
        group, _, leaf = name.rpartition("_")
        if group and group not in groups:
            groups[group] = typer.Typer(no_args_is_help=True, help=f"pixvox {group} ...")
            groups[group].callback()(lambda: None)
            app.add_typer(groups[group], name=group)
        (groups[group] if group else app).command(leaf)(command)
    return app


if __name__ == "__main__":
    main()
