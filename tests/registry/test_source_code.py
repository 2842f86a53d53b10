"""What counts as a change of code."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixvox_registry.source_code import digest_of_code

CODE = '''"""A plugin."""


def scaled(x, by=2.0):
    """Twice as much."""
    return [y * by for y in x]  # all of them
'''


@pytest.fixture
def digest(tmp_path: Path):
    def of(text: str) -> str:
        file = tmp_path / f"plugin{len(list(tmp_path.iterdir()))}.py"
        file.write_text(text)
        return digest_of_code(file)

    return of


def test_comments_docstrings_and_layout_do_not_count(digest) -> None:
    bare = "def scaled(x, by = 2.0):\n  return [\n   y * by for y in x\n  ]\n"
    assert digest(CODE) == digest(bare)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2.0", "2"),
        ("y * by", "by * y"),
        ("in x]", "in x if y]"),
        ("by=2.0", "by=None"),
        ("y", "z"),
    ],
)
def test_everything_else_does(digest, old: str, new: str) -> None:
    assert digest(CODE) != digest(CODE.replace(old, new))


def test_it_is_the_same_under_every_python(digest) -> None:
    assert digest(CODE) == "8821e956961f"
