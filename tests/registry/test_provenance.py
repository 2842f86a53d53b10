"""Which code made a number."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pixvox_registry import provenance

UNKNOWN = {"commit": "unknown", "dirty": "unknown"}


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house of ours with one committed file, which says that it is the running one."""
    file = tmp_path / "registry" / "pixvox_registry" / "provenance.py"
    file.parent.mkdir(parents=True)
    file.write_text("here = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    monkeypatch.setattr(provenance, "__file__", str(file))
    return tmp_path


def test_a_clean_checkout_names_its_commit(checkout: Path) -> None:
    found = provenance.code.__wrapped__()
    assert len(found["commit"]) == 40 and found["dirty"] == ""


@pytest.mark.parametrize("name", ["registry/pixvox_registry/provenance.py", "zoo/new_loss.py"])
def test_edited_and_new_files_make_it_dirty(checkout: Path, name: str) -> None:
    file = checkout / name
    file.parent.mkdir(parents=True, exist_ok=True)
    found = []
    for text in ("here = 2\n", "here = 3\n"):
        file.write_text(text)
        found.append(provenance.code.__wrapped__()["dirty"])
    assert "" not in found and found[0] != found[1]


def test_a_file_beside_the_rooms_does_not(checkout: Path) -> None:
    (checkout / "notes.txt").write_text("later")
    assert provenance.code.__wrapped__()["dirty"] == ""


def test_installed_into_somebody_elses_repository_it_is_unknown(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = checkout / ".venv" / "site-packages" / "pixvox_registry" / "provenance.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("here = 1\n")
    monkeypatch.setattr(provenance, "__file__", str(installed))
    assert provenance.code.__wrapped__() == UNKNOWN


def test_a_job_says_the_code_of_its_coordinator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_stated", {})
    provenance._fixed.cache_clear()
    provenance.state_code({"commit": "abc", "dirty": ""})
    assert provenance.provenance()["commit"] == "abc"
    provenance._fixed.cache_clear()
