"""A source in one line, ``NAME[:ARGUMENT][,key=value...]``, as commands and recipes write it.

ARGUMENT is text and goes to the first parameter. A comma begins a setting only where ``key=``
follows, so ``image_folder:/scans/a,b=c`` is one path; a path or value that holds ``,key=`` itself
stands in single or double quotes: ``image_folder:"/scans/a,size=2",image_size=96``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from pixvox_registry.contracts import Source
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import SOURCES

FORM = "NAME[:ARGUMENT][,key=value...], for example medmnist:breastmnist,size=64"
SETTING = re.compile(r",([A-Za-z_]\w*)=")
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
WORDS = {"true": True, "false": False, "none": None, "null": None}


def build_source(text: str) -> Source:
    """The source that a line names, not yet read.

    Raises:
        UserError: nothing bears the name, or a setting is unknown, missing, doubled or of the
            wrong type.
    """
    name, argument, settings = parse_source(text)
    known = SOURCES.names_of_settings(name)
    if argument is not None:
        first = next(iter(known), None)
        if first is None:
            raise UserError(f"Source {name!r} takes no argument; {argument!r} came.")
        if first in settings:
            raise UserError(f"{text!r} gives {first!r} twice: after the colon and by name.")
        settings = {first: argument, **settings}
    for parameter in known.values():
        if parameter.default is inspect.Parameter.empty and parameter.name not in settings:
            raise UserError(f"Source {name!r} needs {parameter.name!r}. Write {FORM}.")
    return SOURCES.build(name, **settings)


def parse_source(text: str) -> tuple[str, str | None, dict[str, Any]]:
    """Name, argument and settings of a line.

    >>> parse_source("medmnist:adrenalmnist3d,size=64,allow_unverified=true")
    ('medmnist', 'adrenalmnist3d', {'size': 64, 'allow_unverified': True})
    >>> parse_source("image_folder:'/a,b=c',image_size=32")
    ('image_folder', '/a,b=c', {'image_size': 32})
    """
    hidden = QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text)  # same length, nothing to find
    starts = [found.start() for found in SETTING.finditer(hidden)]
    head, *pieces = [text[a:b] for a, b in zip([0, *starts], [*starts, len(text)], strict=True)]
    name, colon, argument = head.partition(":")
    if not name.strip() or (colon and not argument):
        raise UserError(f"A source is written {FORM}; {text!r} came.")
    settings: dict[str, Any] = {}
    for piece in pieces:
        key, _, value = piece[1:].partition("=")
        if key in settings:
            raise UserError(f"{text!r} gives {key!r} twice.")
        settings[key] = _value(value)
    return name.strip(), _bare(argument) if colon else None, settings


def spell_source(name: str, argument: str, settings: Mapping[str, Any], defaults: Any) -> str:
    """The line that ``build_source`` reads back; settings at their default stay unsaid.

    Args:
        argument: empty for a source that takes none.
        defaults: the plugin's class, whose constructor knows them.

    >>> class Shelf:
    ...     def __init__(self, path: str, *, size: int = 28) -> None: ...
    >>> spell_source("shelf", "a,size=3", {"size": 64}, Shelf)
    'shelf:"a,size=3",size=64'
    """
    known = inspect.signature(defaults).parameters
    said = {key: value for key, value in settings.items() if value != known[key].default}
    spelt = "".join(f",{key}={_spell(value)}" for key, value in said.items())
    head = f"{name}:{_quote(argument)}" if argument else name
    return head + spelt


def _value(text: str) -> Any:
    """``"64"`` is text; 64, 0.5, true and none are what they look like."""
    if QUOTED.fullmatch(text):
        return text[1:-1]
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _spell(value: Any) -> str:
    if not isinstance(value, str):
        return str(value).lower()
    return _quote(value) if _value(value) == value else f'"{value}"'


def _quote(text: str) -> str:
    if not SETTING.search(text) and not QUOTED.search(text):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


def _bare(text: str) -> str:
    return text[1:-1] if QUOTED.fullmatch(text) else text
