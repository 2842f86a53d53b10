"""A site in a folder: what it replaces, what it never touches, and how it is served."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from pixvox_leaderboards.site.publishing import MANIFEST, write
from pixvox_leaderboards.site.serving import server
from pixvox_registry import UserError


def test_an_older_site_gives_way_and_foreign_files_stay(tmp_path: Path) -> None:
    write({"index.html": b"1", "methods/gone.html": b"2", "methods/edited.html": b"3"}, tmp_path)
    (tmp_path / "methods/edited.html").write_bytes(b"mine now")
    (tmp_path / "notes.txt").write_text("foreign")
    write({"index.html": b"4"}, tmp_path)
    kept = {f.relative_to(tmp_path).as_posix() for f in tmp_path.rglob("*") if f.is_file()}
    assert kept == {"index.html", "methods/edited.html", "notes.txt", MANIFEST}
    assert (tmp_path / "index.html").read_bytes() == b"4"
    assert (tmp_path / "notes.txt").read_text() == "foreign"


def test_a_foreign_file_of_the_same_name_is_not_overwritten(tmp_path: Path) -> None:
    write({"other.html": b""}, tmp_path)
    (tmp_path / "index.html").write_text("my own page")
    with pytest.raises(UserError, match=r"index\.html stands there and no site wrote it"):
        write({"a.html": b"", "index.html": b""}, tmp_path)
    assert (tmp_path / "index.html").read_text() == "my own page"
    assert not (tmp_path / "a.html").exists()


@pytest.mark.parametrize("there", [".git", "thesis.tex"])
def test_a_folder_that_no_site_wrote_is_left_alone(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(UserError, match=rf"no site wrote what is there \({there}\)\. Name a new"):
        write({"index.html": b""}, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [there]
    with pytest.raises(UserError, match="which is a file"):
        write({"index.html": b""}, tmp_path / there)


@pytest.mark.parametrize("name", ["../victim", "/tmp/victim", MANIFEST])
def test_a_manifest_cannot_reach_outside_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "victim").write_text("x")
    site = tmp_path / "site"
    site.mkdir()
    digest = hashlib.sha256(b"x").hexdigest()
    (site / MANIFEST).write_text(json.dumps({"schema": 1, "site": {name: digest}}))
    with pytest.raises(UserError, match="should list the files of a site"):
        write({"index.html": b""}, site)
    assert (tmp_path / "victim").exists()


def test_a_served_site_is_read_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("here")
    with server(tmp_path) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        host, port = running.server_address[:2]
        assert host == "127.0.0.1"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert answer.read() == b"here"
            assert answer.headers["Cache-Control"] == "no-cache"
        running.shutdown()
        thread.join()


def test_ctrl_c_ends_serving_cleanly(tmp_path: Path) -> None:
    program = (
        "import signal; from pathlib import Path; "
        "from pixvox_leaderboards.site.serving import serve; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # else deaf in a background
        f"serve(Path({str(tmp_path)!r}), lambda text: print(text, flush=True))"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline().startswith("http://127.0.0.1:")
    started.send_signal(signal.SIGINT)
    said, complained = started.communicate(timeout=30)
    assert (started.returncode, said, complained) == (0, "ended\n", "")
