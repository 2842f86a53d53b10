"""Where weights are: folders, installed packages, and a hub that is a server on 127.0.0.1."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import pixvox_zoo
from pixvox_registry import COMMANDS, UserError
from pixvox_zoo import whereabouts

from .card_editing import rewrite

Publish = Callable[..., Path]
COMMIT = "a" * 40


def distribution(site: Path, name: str, weights: str, package: str) -> None:
    """What pip leaves of a wheel of weights, less the weights."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pixvox.weights]\n{weights} = {package}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path / "site"


def test_an_installed_name_is_found_without_importing_it(
    site: Path, publish_weights: Publish, capsys: pytest.CaptureFixture[str]
) -> None:
    distribution(site, "pixvox-weights-toy", "toy", "pixvox_weights_toy")
    folder = publish_weights(site, "conv_encoder").rename(site / "pixvox_weights_toy")
    (folder / "__init__.py").write_text("raise SystemExit('imported')")
    assert whereabouts.folder_of("toy") == folder
    assert pixvox_zoo.load("toy").card["name"] == "conv_encoder"
    COMMANDS.get("list")("weights", json=True)
    listed = json.loads(capsys.readouterr().out)
    assert listed == [{"kind": "weights", "name": "toy", "from": "pixvox-weights-toy"}]
    with pytest.raises(UserError, match="Did you mean 'toy'"):
        pixvox_zoo.load("toyy")


def test_two_packages_of_one_name_are_told(site: Path) -> None:
    distribution(site, "pixvox-weights-one", "toy", "one")
    distribution(site, "pixvox-weights-two", "toy", "two")
    with pytest.raises(UserError, match=r"by pixvox-weights-\w+ 1.0 and by pixvox-weights-\w+ 1.0"):
        pixvox_zoo.load("toy")


@pytest.mark.parametrize("package", ["pixvox_weights_gone", "exits.inside", "not a name"])
def test_what_is_broken_is_told_and_breaks_nothing_else(
    site: Path, publish_weights: Publish, capsys: pytest.CaptureFixture[str], package: str
) -> None:
    distribution(site, "pixvox-weights-gone", "gone", package)
    (site / "exits.py").write_text("raise SystemExit(7)")
    distribution(site, "pixvox-weights-odd", "odd", "pixvox_weights_odd")
    (site / "pixvox_weights_odd").mkdir()
    (site / "pixvox_weights_odd/card.json").write_text('{"format": 2}')
    distribution(site, "pixvox-weights-toy", "toy", "pixvox_weights_toy")
    publish_weights(site, "conv_encoder").rename(site / "pixvox_weights_toy")
    with pytest.raises(SystemExit) as left:
        COMMANDS.get("weights")(json=True)
    rows = {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}
    assert left.value.code == 1 and rows["toy"] == "fits"
    assert "brings no package" in rows["gone"] and "is no card of weights" in rows["odd"]
    with pytest.raises(UserError, match="brings no package"):
        pixvox_zoo.load("gone")


@pytest.mark.parametrize(
    "text",
    ["[]", '{"format": 2}', "[" * 100_000, '{"format": 2, "sha256": [1]}', "nothing"],
)
def test_a_malformed_card_is_one_sentence(
    tmp_path: Path, publish_weights: Publish, text: str
) -> None:
    folder = publish_weights(tmp_path, "conv_encoder")
    (folder / "card.json").write_text(text)
    with pytest.raises(UserError):
        pixvox_zoo.load(folder)


@pytest.mark.parametrize("range_", ["foo", 5])
def test_a_range_that_is_none_is_told(
    tmp_path: Path, publish_weights: Publish, range_: object
) -> None:
    folder = publish_weights(tmp_path, "conv_encoder")
    rewrite(folder, {"requires_pixvox": range_})
    with pytest.raises(UserError, match="is no range"):
        pixvox_zoo.load(folder)


def test_a_folder_is_a_folder_whatever_is_installed(
    site: Path, tmp_path: Path, publish_weights: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(site, "pixvox-weights-toy", "toy", "pixvox_weights_toy")
    (site / "pixvox_weights_toy").mkdir()
    publish_weights(tmp_path, "conv_encoder").rename(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    assert whereabouts.folder_of("./toy") == Path("toy") == whereabouts.folder_of(Path("toy"))
    assert whereabouts.folder_of("toy") == site / "pixvox_weights_toy"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", ".hidden", "a/b", ""])
def test_a_card_that_leads_out_of_its_folder_is_refused(
    tmp_path: Path, publish_weights: Publish, name: str
) -> None:
    folder = publish_weights(tmp_path, "conv_encoder")
    sha256 = json.loads((folder / "card.json").read_text())["sha256"]
    rewrite(folder, {"sha256": {**sha256, name: "0" * 64}})
    with pytest.raises(UserError, match="no plain name of a file"):
        pixvox_zoo.load(folder)


class Mirror(ThreadingHTTPServer):
    """A hub that serves the files of one repository."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def answer(self) -> None:
        self.server.asked.append(self.path)
        file = self.server.folder / self.path.rsplit("/", 1)[-1]
        if not self.path.startswith("/toys/toy/resolve/") or not file.is_file():
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_GET = do_HEAD = answer

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def mirror(tmp_path: Path, publish_weights: Publish) -> Iterator[Mirror]:
    server = Mirror(publish_weights(tmp_path, "conv_encoder"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


LOAD = "import sys, pixvox_zoo; print(pixvox_zoo.load(sys.argv[1]).card['name'])"


def test_a_hub_is_asked_once_and_never_when_offline(tmp_path: Path, mirror: Mirror) -> None:
    """In processes of their own, as the client reads its environment when it is imported."""

    def load(what: str, **more: str) -> tuple[int, str]:
        here = {"HF_ENDPOINT": f"http://127.0.0.1:{mirror.server_port}", "HF_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", LOAD, what],
            env={**os.environ, **here, **more},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout.strip() or done.stderr

    offline = {"HF_HUB_OFFLINE": "1"}
    code, said = load("hf://toys/toy", **offline)
    assert code and "neither in the cache of Hugging Face nor to be had" in said
    assert load("hf://toys/toy") == (0, "conv_encoder")
    asked = len(mirror.asked)
    assert asked and load("hf://toys/toy", **offline) == (0, "conv_encoder")
    assert len(mirror.asked) == asked
    code, said = load("hf://toys/none")
    assert code and "card.json of hf://toys/none" in said


@pytest.mark.parametrize("text", ["hf://", "hf://toy", "hf://a/b/c", "hf://a/b@"])
def test_malformed_addresses_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="hf://OWNER/NAME"):
        pixvox_zoo.load(text)
