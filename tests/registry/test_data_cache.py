"""``pixvox data cache``: what lies there, what goes, and what is never touched."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixvox_registry import UserError, cache_entry
from pixvox_registry.__main__ import main
from pixvox_registry.cache import clear, held, remove
from pixvox_registry.commands.data_cache import bytes_said
from pixvox_registry.decoded import Decoded, decode

SLOW = """
import sys, time
from pathlib import Path
import numpy as np
from pixvox_registry.decoded import decode

def read(path):
    if path.name != "0":
        Path(sys.argv[1], "begun").touch()
        time.sleep(float(sys.argv[2]))
    return np.zeros((1, 100, 100), np.uint8)

decoded = decode("slow", Path(sys.argv[1]), [str(n) for n in range(40)], read,
                 dtype="uint8", settings={}, skip_broken=False)
print("done", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def entry(root: Path, kind: str, *, days: float | None = None, files: int = 3) -> Decoded:
    """One of ``files`` x 10,000 bytes, used so many days ago, or now."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        if not (root / str(number)).exists():
            (root / str(number)).touch()
    decoded = decode(
        kind,
        root,
        [str(number) for number in range(files)],
        lambda path: np.full((1, 100, 100), int(path.name), np.uint8),
        dtype="uint8",
        settings={},
        skip_broken=False,
    )
    if days is not None:
        age(decoded.content.file.parent, days)
    return decoded


def age(folder: Path, days: float) -> None:
    then = time.time() - days * 86400
    for place in (folder, *folder.rglob("*")):
        os.utime(place, (then, then))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[list[dict[str, Any]], str]:
    with pytest.raises(SystemExit) as end:
        main(["data", "cache", *words, "--json"])
    assert not end.value.code, capsys.readouterr().err
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_it_shows_what_lies_there(tmp_path, capsys) -> None:
    entry(tmp_path / "a", "nifti", days=2)
    entry(tmp_path / "b", "msd", days=5)
    shutil.rmtree(tmp_path / "a")
    rows, said = run(capsys)
    assert [row["kind"] for row in rows] == ["msd", "nifti"]
    assert [row["root_exists"] for row in rows] == [True, False]
    assert rows[1]["root"] == str(tmp_path / "a") and rows[1]["files"] == 3
    assert all(30_000 < row["bytes"] < 32_000 and row["state"] == "whole" for row in rows)
    assert "2 entries, 0.1 MB" in said
    with pytest.raises(SystemExit):
        main(["data", "cache", "nifti"])
    table = capsys.readouterr().out
    assert "root gone" in table and str(tmp_path / "a") in table and "msd" not in table


def test_a_limit_takes_what_was_used_least_recently(tmp_path, capsys) -> None:
    for days, name in ((3, "a"), (2, "b"), (1, "c")):
        entry(tmp_path / name, name, days=days)
    entry(tmp_path / "a", "a")  # opened again, which is a use
    rows, _ = run(capsys, "--limit", "0.07MB", "--dry-run")
    assert [row["kind"] for row in rows] == ["b"] and len(held()) == 3
    rows, said = run(capsys, "--limit", "70kB")
    assert [(row["kind"], row["removed"]) for row in rows] == [("b", True)]
    assert "removed: 1 entry" in said and "left: 2 entries" in said
    assert [one.kind for one in held()] == ["c", "a"]
    rows, _ = run(capsys, "--limit", "20GB")
    assert rows == [] and len(held()) == 2


def test_clean_takes_all_of_a_kind_and_stale_what_is_of_no_use(tmp_path, cache, capsys) -> None:
    for name in ("a", "b", "c", "d"):
        entry(tmp_path / name, name)
    shutil.rmtree(tmp_path / "b")
    torn = next(one for one in held() if one.kind == "c").folder
    os.truncate(torn / "images.uint8", 7)
    rows, _ = run(capsys, "--stale")
    assert sorted(row["kind"] for row in rows) == ["b", "c"]
    assert sorted(one.kind for one in held()) == ["a", "d"] and not torn.exists()
    run(capsys, "--clean", "a")
    assert [one.kind for one in held()] == ["d"]
    run(capsys, "--clean")
    assert held() == [] and [*cache.rglob("images.*")] == []


def test_what_is_no_entry_is_never_touched(tmp_path, cache, capsys) -> None:
    entry(tmp_path / "a", "a")
    name = "0123456789abcdef" * 2
    kept = [
        cache / "notes.txt",
        cache / "a" / "README",
        cache / "a" / name / "thesis.pdf",  # named as an entry, and holding another thing
        cache / "a" / f".{name}.abcdefgh" / "thesis.pdf",
        cache / "a" / f".{name}.old.abcdefgh" / "mine" / "images.uint8",
        cache / "a" / "weights" / "images.uint8",
        cache / "a" / name.upper() / "images.uint8",
        tmp_path / "elsewhere" / name / "images.uint8",
    ]
    for file in kept:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
    (cache / "a" / name[::-1]).symlink_to(tmp_path / "elsewhere" / name)
    (cache / "a" / ("f" * 32)).mkdir()  # empty: nobody knows whose
    for one in (cache, *cache.rglob("*")):
        os.utime(one, (1, 1))
    rows, _ = run(capsys, "--clean")
    assert len(rows) == 1 and held() == []
    assert all(file.read_text() == "mine" for file in kept)
    assert (cache / "a" / name[::-1]).is_symlink() and (cache / "a" / ("f" * 32)).is_dir()


def test_what_somebody_reads_is_left_until_it_is_let_go(tmp_path, capsys) -> None:
    read = entry(tmp_path / "a", "a").stored
    rows, said = run(capsys, "--clean", "--dry-run")
    assert rows[0]["removed"] is False
    rows, said = run(capsys, "--clean")
    assert rows[0]["removed"] is False and "1 of them because they are in use" in said
    assert int(read[2].max()) == 2 and len(held()) == 1
    del read
    rows, _ = run(capsys, "--clean")
    assert rows[0]["removed"] is True and held() == []


def test_a_killed_writer_leaves_nothing_but_what_clean_finds(tmp_path, cache, capsys) -> None:
    root = tmp_path / "scans"
    root.mkdir()
    for number in range(40):
        (root / str(number)).touch()
    command = [sys.executable, "-c", SLOW, str(root)]
    writer = subprocess.Popen([*command, "100"], stderr=subprocess.PIPE)
    try:
        while not (root / "begun").exists() or not [*cache.rglob("images.uint8")]:
            assert writer.poll() is None, writer.communicate()
            time.sleep(0.02)
        (row,), _ = run(capsys, "--clean")
        assert row["state"] == "unfinished" and row["removed"] is False  # it is at work
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    (row,), _ = run(capsys)
    assert row["state"] == "unfinished" and [*cache.rglob("index.json")] == []
    (row,), _ = run(capsys, "--stale")
    assert row["removed"] is True and [*(cache / "slow").iterdir()] == []
    reader = subprocess.Popen([*command, "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert reader.stdout is not None and reader.stdout.readline() == b"done\n"
    (row,), _ = run(capsys, "--clean")
    assert row["state"] == "whole" and row["removed"] is False  # another process reads it
    reader.communicate()
    (row,), _ = run(capsys, "--clean")
    assert row["removed"] is True and held() == []


def test_what_was_just_written_is_not_cleaned_before_its_writer_reads_it(
    tmp_path, monkeypatch
) -> None:
    publish = cache_entry.publish_folder

    def overtaken(folder: Path, fill: Any) -> bool:
        mine = publish(folder, fill)
        assert list(clear(held()).values()) == [False]
        return mine

    monkeypatch.setattr(cache_entry, "publish_folder", overtaken)
    assert len(entry(tmp_path / "a", "a").stored[:]) == 3
    assert list(clear(held()).values()) == [True]


def test_a_removal_that_was_killed_is_finished_later(tmp_path, cache) -> None:
    folder = entry(tmp_path / "a", "a").content.file.parent
    trash = folder.parent / f".{folder.name}.old.abcdefgh"
    trash.mkdir()
    folder.rename(trash / folder.name)
    (one,) = held()
    assert one.state == "unfinished" and remove(one) is False  # perhaps it still goes on
    age(trash, days=1)
    (one,) = held()
    assert remove(one) is True and [*(cache / "a").iterdir()] == []


def test_sizes_are_said_as_people_say_them() -> None:
    for text, size in (("20GB", 20e9), ("500 MB", 5e8), ("1.5T", 1.5e12), ("7", 7), ("2kB", 2e3)):
        assert bytes_said(text) == size
    for text in ("20 bananas", "-1GB", "GB", "1e9", ""):
        with pytest.raises(UserError, match="wants a size"):
            bytes_said(text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--clean", "--stale"], "several came"),
        (["--dry-run"], "came alone"),
        (["nift", "--clean"], "Did you mean 'nifti'"),
    ],
)
def test_contradictions_are_refused(tmp_path, capsys, words, told) -> None:
    entry(tmp_path / "a", "nifti")
    with pytest.raises(SystemExit) as end:
        main(["data", "cache", *words])
    assert end.value.code == 2 and told in capsys.readouterr().err
    assert len(held()) == 1


def test_looking_at_the_cache_imports_no_torch() -> None:
    said = "import sys, pixvox_registry.cache; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said]).returncode == 0
