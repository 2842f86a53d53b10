"""A digest of what a file of Python does: comments, docstrings and layout do not count."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

from pixvox_registry.artifacts import fingerprint

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def digest_of_code(file: Path) -> str:
    """First 12 hex digits of the sha256 of the syntax tree; the same under every Python."""
    return fingerprint(_shape(ast.parse(file.read_bytes())))[:12]


def _shape(node: Any) -> Any:
    """A tree of plain lists, without what is empty: versions of Python add such fields."""
    if isinstance(node, list):
        return [_shape(child) for child in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    held = dict(ast.iter_fields(node))
    if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        held["body"] = held["body"][1:]
    fields = {name: _shape(value) for name, value in held.items() if value not in (None, [])}
    return [type(node).__name__, fields]
