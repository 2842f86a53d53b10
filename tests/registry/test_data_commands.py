"""``pixvox data get | verify | show``, as a user types them."""

import hashlib
import http.server
import json
import struct
import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from pixvox_registry import medmnist_table
from pixvox_registry.__main__ import main


def pixvox(*words):
    """Exit code."""
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code or 0


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "medmnist"


@pytest.fixture
def official(tmp_path, monkeypatch):
    """A small BreastMNIST whose md5 stands in the table, in a folder ``published``."""
    file = tmp_path / "published" / "breastmnist.npz"
    file.parent.mkdir()
    random = np.random.default_rng(0)
    arrays = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = random.integers(0, 256, (6, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(6, dtype=np.uint8)[:, None] % 2
    np.savez_compressed(file, **arrays)
    whole = medmnist_table.table()
    md5 = hashlib.md5(file.read_bytes()).hexdigest()
    entry = replace(whole.sets["breastmnist"], md5={"28": md5})
    table = replace(whole, sets={**whole.sets, "breastmnist": entry})
    monkeypatch.setattr("pixvox_registry.sources.medmnist.table", lambda: table)
    return file


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def mirror(official):
    handler = partial(Quiet, directory=official.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["medmnist:breastmnist", "breastmnist"])
def test_get_then_verify(name, data, official, mirror, capsys):
    assert pixvox("data", "verify", "medmnist:breastmnist") == 1
    assert "data get medmnist:breastmnist" in capsys.readouterr().err
    assert pixvox("data", "get", name, "--mirror", mirror) == 0
    assert (data / "breastmnist.npz").read_bytes() == official.read_bytes()
    capsys.readouterr()
    assert pixvox("data", "verify", "--all", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["source"], row["state"], row["cases"]) == (
        "medmnist:breastmnist",
        "official",
        "6/6/6",
    )
    assert row["sha256"] == hashlib.sha256(official.read_bytes()).hexdigest()


def test_get_of_what_the_mirror_lacks(data, official, mirror, capsys):
    assert pixvox("data", "get", "medmnist:pathmnist,size=64", "--mirror", mirror) == 2
    assert "404" in capsys.readouterr().err
    assert not (data / "pathmnist_64.npz").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("brestmnist", "Did you mean 'breastmnist'"),
        ("medmnist:brestmnist", "Did you mean 'breastmnist'"),
        ("phantoms:shapes_2d", "not downloaded"),
        ("medmnist:breastmnist,size=32", "32 came"),
    ],
)
def test_get_of_what_nobody_offers(name, said, data, capsys):
    assert pixvox("data", "get", name) == 2
    assert said in capsys.readouterr().err
    assert not data.exists()


def test_verify_finds_what_is_unofficial_or_damaged(data, official, capsys):
    data.mkdir(parents=True)
    content = official.read_bytes()
    (data / "breastmnist.npz").write_bytes(content)
    (data / "breastmnist_mine.npz").write_bytes(content + b" ")
    (data / "organmnist3d_64.npz").write_bytes(content[:100])
    (data / "unrelated.npz").write_bytes(b"")
    assert pixvox("data", "verify", "--all", "--json") == 1
    rows = {row["source"]: row for row in json.loads(capsys.readouterr().out)}
    assert {name: bool(row["finding"]) for name, row in rows.items()} == {
        "medmnist:breastmnist": False,
        "medmnist:breastmnist,file=breastmnist_mine.npz": True,
        "medmnist:organmnist3d,size=64": True,
    }
    allowed = "medmnist:breastmnist,file=breastmnist_mine.npz,allow_unverified=true"
    assert pixvox("data", "verify", allowed) == 0
    assert "unverified" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["phantoms", "--all"], ["medmnist:nothing"], ["nothing"]])
def test_verify_wants_one_thing(words, data, capsys):
    assert pixvox("data", "verify", *words) == 2
    assert capsys.readouterr().err.startswith("pixvox: ")


def size_of(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize("kind", ["shapes_2d", "texture_3d"])
def test_show_draws_the_same_sheet_twice(kind, tmp_path):
    sheets = [tmp_path / "new" / f"{n}.png" for n in range(2)]
    for sheet in sheets:
        line = f"phantoms:{kind},count=8"
        assert pixvox("data", "show", line, "--count", "3", "--out", str(sheet)) == 0
    assert sheets[0].read_bytes() == sheets[1].read_bytes()
    assert min(size_of(sheets[0].read_bytes())) > 150


@pytest.mark.parametrize("kind", ["shapes_2d", "shapes_3d"])
def test_show_puts_views_beside_the_originals(kind, tmp_path):
    words = ["data", "show", f"phantoms:{kind},count=8", "--count", "2", "--out"]
    plain, with_views = tmp_path / "plain.png", tmp_path / "views.png"
    assert pixvox(*words, str(plain)) == 0
    assert pixvox(*words, str(with_views), "--views", "simclr") == 0
    areas = [
        width * height
        for width, height in map(size_of, (plain.read_bytes(), with_views.read_bytes()))
    ]
    assert areas[1] > 1.3 * areas[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["phantoms", "--split", "trian"], "Did you mean 'train'"),
        (["phantoms:shapes_2d,count=8", "--views", "simcrl"], "Did you mean 'simclr'"),
        (["phantoms", "--out", "sheet.gif"], "is a PNG"),
        (["phantoms", "--count", "0"], "at least one"),
        (["phantom"], "Did you mean 'phantoms'"),
    ],
)
def test_show_refuses_and_writes_nothing(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert pixvox("data", "show", *words) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("*.*"))
