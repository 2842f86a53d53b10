"""A digest of what Python code does: comments, docstrings and layout do not count."""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from pixvox_registry.artifacts import fingerprint

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def digest_of_code(file: Path) -> str:
    """First 12 hex digits of the sha256 of the syntax tree; the same under every Python."""
    return fingerprint(_shape(ast.parse(file.read_bytes())))[:12]


def digest_of_plugin(module: str, *, alone: bool = False) -> str:
    """Of a plugin's file and of all modules of its own package that it leans on, near or far.

    Crops that two views share count for both. Other packages do not: those of other people are held
    by their versions, and our ground floor makes no numbers.

    Args:
        alone: of its file alone.
    """
    own = _file_of(module)
    if own is None:
        return ""
    digests = {module: digest_of_code(own)}
    package = f"{module.partition('.')[0]}."
    waiting = [] if alone else [*_imported_by(module, own)]
    while waiting:
        name = waiting.pop()
        file = _file_of(name) if name.startswith(package) and name not in digests else None
        if file is not None and file.name != "__init__.py":  # packages are folders, not code
            digests[name] = digest_of_code(file)
            waiting += _imported_by(name, file)
    return digests[module] if len(digests) == 1 else fingerprint(digests)[:12]


@cache
def _imported_by(module: str, file: Path) -> frozenset[str]:
    """Names of what a file imports, wherever in it; also such as turn out to be no modules."""
    found = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            here = "." * node.level + (node.module or "")
            base = resolve_name(here, module.rpartition(".")[0]) if node.level else here
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def _file_of(module: str) -> Path | None:
    """Where a module lies, found without importing it; None for what is no text of Python."""
    package, _, rest = module.partition(".")
    held = sys.modules.get(package) or import_module(package)
    if not rest:
        file = Path(held.__file__ or "")
        return file if file.suffix == ".py" else None
    for folder in getattr(held, "__path__", ()):
        inside = Path(folder, *rest.split("."))
        for file in (inside.with_suffix(".py"), inside / "__init__.py"):
            if file.is_file():
                return file
    return None


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
