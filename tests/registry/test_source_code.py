"""What counts as a change of code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pixvox_registry.source_code import digest_of_code, digest_of_plugin
from pixvox_zoo.views import two_crops

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


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of a plugin that leans on one module, which leans on another, and of a stranger."""
    folder = tmp_path / "leaning"
    folder.mkdir()
    for name, text in {
        "__init__": "",
        "plugin": "from leaning.near import double\nimport json\n\nanswer = double(1)\n",
        "near": "def double(x):\n    from .far import times\n    return times(x, 2)\n",
        "far": "def times(x, y):\n    return x * y\n",
        "stranger": "nothing = 0\n",
    }.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "leaning", raising=False)
    return folder


@pytest.mark.parametrize(
    ("name", "counts"), [("plugin", True), ("near", True), ("far", True), ("stranger", False)]
)
def test_what_a_plugin_leans_on_counts(package: Path, name: str, counts: bool) -> None:
    before = digest_of_plugin("leaning.plugin")
    alone = digest_of_plugin("leaning.plugin", alone=True)
    (package / f"{name}.py").write_text("changed = 1\n" + (package / f"{name}.py").read_text())
    digest_of_code.cache_clear()
    assert (digest_of_plugin("leaning.plugin") != before) is counts
    assert (digest_of_plugin("leaning.plugin", alone=True) != alone) is (name == "plugin")


def test_a_plugin_that_leans_on_nothing_is_its_file(package: Path) -> None:
    assert digest_of_plugin("leaning.far") == digest_of_code(package / "far.py")
    assert digest_of_plugin("leaning.missing") == ""


def test_crops_count_for_the_views_that_are_made_of_them() -> None:
    from pixvox_registry import source_code

    leant = source_code._imported_by("pixvox_zoo.views.two_crops", Path(two_crops.__file__))
    assert "pixvox_zoo.crops" in leant
    alone = digest_of_plugin("pixvox_zoo.views.two_crops", alone=True)
    assert digest_of_plugin("pixvox_zoo.views.two_crops") != alone
