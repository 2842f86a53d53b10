"""A task in one line, ``NAME[:ARGUMENT][:key=value...]``, as commands, results and boards write it.

ARGUMENT goes to the first setting, so ``breastmnist:64`` is ``breastmnist:size=64``. A setting at
its default stays unsaid: ``breastmnist:28`` is ``breastmnist``, and has its results. No comma
stands in a line, since commas part the tasks of a grid.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from pixvox_registry import TASKS
from pixvox_registry.contracts import Task
from pixvox_registry.errors import UserError
from pixvox_registry.source_spec import parse_source

FORM = "NAME[:ARGUMENT][:key=value...], for example breastmnist:64"
SETTING = re.compile(r"[A-Za-z_]\w*=")


def task_of(line: str) -> Task:
    """The task that a line names, with no data read; its ``name`` is the line in its shortest form.

    Raises:
        UserError: nothing bears the name, a setting is unknown, doubled, missing or of the wrong
            type, or the task has no such edition.
    """
    name, settings = parse_task(line)
    for parameter in TASKS.names_of_settings(name).values():
        if parameter.default is inspect.Parameter.empty and parameter.name not in settings:
            raise UserError(f"Task {name!r} needs {parameter.name!r}. Write {FORM}.")
    task = TASKS.build(name, **settings)
    shortest = spell_task(name, settings)
    if ":" in shortest and task.name != shortest:
        raise UserError(
            f"Task {line!r} should call itself {shortest!r}, so that no other edition of it takes "
            f"its results; it says {task.name!r}. Mend its file."
        )
    return task


def plugin_of(line: str) -> str:
    """The name of the plugin behind a task's name.

    >>> plugin_of("breastmnist:64"), plugin_of("hippocampus")
    ('breastmnist', 'hippocampus')
    """
    return line.partition(":")[0]


def parse_task(line: str) -> tuple[str, dict[str, Any]]:
    """Name and settings of a line; the name exists.

    Raises:
        UserError: as :func:`task_of`.
    """
    name, *pieces = line.split(":")
    known = list(TASKS.names_of_settings(name))
    if pieces and not SETTING.match(pieces[0]):
        if not known or not pieces[0] or "," in line:
            takes = f"A task is written {FORM}" if known else f"Task {name!r} takes no argument"
            raise UserError(f"{takes}; {line!r} came.")
        pieces[0] = f"{known[0]}={pieces[0]}"
    if lost := [piece for piece in pieces if not SETTING.match(piece)]:
        raise UserError(f"A task is written {FORM}; {lost[0]!r} of {line!r} is no setting.")
    _, _, settings = parse_source(",".join([name, *pieces]))
    return name, settings


def spell_task(name: str, settings: Mapping[str, Any]) -> str:
    """The shortest line that :func:`task_of` reads back."""
    known = TASKS.names_of_settings(name)
    said = {key: value for key, value in settings.items() if value != known[key].default}
    first = next(iter(known), None)
    pieces = [
        str(said[key]) if key == first else f"{key}={said[key]}" for key in known if key in said
    ]
    return ":".join([name, *pieces])
