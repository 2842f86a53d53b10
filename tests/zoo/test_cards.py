"""Cards of weights: changes are found by their own digest or by pip's, and odd ones are refused."""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pixvox_zoo
from pixvox_registry import COMMANDS, UserError
from pixvox_zoo import packing, weights_card
from pixvox_zoo.packing import Parcel

from .card_editing import edited, rewrite

Publish = Callable[..., Path]
NAN = math.nan
ODD: list[tuple[str, Any, str]] = [
    ("backbone", {}, "backbone.name should be a text, and nothing"),
    ("backbone.settings", [1], "backbone.settings should be an object"),
    ("facts", {}, r"facts.dims should be 2 or 3, and nothing"),
    ("facts.dims", 5, "facts.dims should be 2 or 3, and 5"),
    ("facts.in_channels", True, "facts.in_channels should be a whole number from 1"),
    ("facts.image_size", 10**6, "facts.image_size should be a whole number from 1 to 4,096"),
    ("facts.width", -1, "facts.width should be a number above 0"),
    ("intensity", {}, "intensity should be an object of mean, std and value_range"),
    ("intensity.gain", [1.0], "intensity should be an object of mean, std and value_range"),
    ("intensity.mean", "abc", "intensity.mean should be a list of 1, one for each channel"),
    ("intensity.mean", [0.1, 0.2], "intensity.mean should be a list of 1, one for each channel"),
    ("intensity.mean", [10**400], "intensity.mean"),
    ("intensity.std", [0.0], "intensity.std should be .* of numbers above 0, and .0.0. stands"),
    ("intensity.std", [1e-300], "intensity.std"),
    ("intensity.std", 1.0, "intensity.std"),
    ("intensity.value_range", [255, 0], "value_range should be .* black below white"),
    ("intensity.value_range", [5], "value_range"),
    ("data.prints", [1], "data.prints should be a text"),
    ("sha256", {"backbone.safetensors": 5}, "sha256 should be an object of sha256"),
    ("scores", [{"task": "t"}], "scores should be a list of objects with task"),
    ("parameters", ..., "parameters should be a whole number, and nothing stands there"),
    ("recipe.title", None, "recipe.title should be a text, and None stands there"),
]


@pytest.fixture
def folder(tmp_path: Path, publish_weights: Publish) -> Path:
    return publish_weights(tmp_path, "conv_encoder")


@pytest.mark.parametrize(
    "changes",
    [
        {"intensity.mean": [945.83]},
        {"data.dataset": "another"},
        {"recipe.title": "Other"},
        {"format": weights_card.OLDER},
        {weights_card.DIGEST: ...},
        {weights_card.DIGEST: None},
    ],
)
def test_a_changed_card_is_found(folder: Path, changes: dict[str, Any]) -> None:
    file = folder / "card.json"
    assert pixvox_zoo.load(folder).intensity.mean == (3.0,)
    file.write_text(json.dumps(edited(json.loads(file.read_text()), changes)))
    with pytest.raises(UserError, match=r"card.json was changed: .* Fetch the weights again"):
        pixvox_zoo.load(folder)


def test_no_flipped_bit_of_a_card_goes_unseen(folder: Path) -> None:
    content = (folder / "card.json").read_bytes()
    said = weights_card.read_card(folder)
    for place in range(3, len(content), 41):
        torn = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        (folder / "card.json").write_bytes(torn)
        try:
            assert weights_card.read_card(folder) == said  # a blank became another: no word changed
        except UserError as error:
            assert "card.json" in str(error)
        else:
            assert content[place : place + 1].isspace()


@pytest.mark.parametrize(("key", "value", "said"), ODD, ids=[f"{k}={v!r:.20}" for k, v, _ in ODD])
@pytest.mark.parametrize("older", [False, True])
def test_an_odd_card_is_refused_by_its_key(
    folder: Path, key: str, value: Any, said: str, older: bool
) -> None:
    rewrite(folder, {key: value}, older=older)
    with pytest.raises(UserError, match=f"is no card of weights: .*{said}"):
        pixvox_zoo.load(folder)


def test_what_is_no_number_in_json_is_none_here(folder: Path) -> None:
    file = folder / "card.json"
    file.write_text(file.read_text().replace("2.0", "NaN"))
    with pytest.raises(UserError, match="is not JSON: NaN stands where a number should"):
        pixvox_zoo.load(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"backbone.settings": {"channels": [3]}}, r"'conv_encoder' is not built with .*channels"),
        ({"backbone.name": "resnit"}, "Did you mean 'resnet'"),
        ({"backbone.settings": {"chanels": 3}}, "Did you mean 'channels'"),
    ],
)
def test_a_backbone_that_is_not_built_is_told(
    folder: Path, changes: dict[str, Any], said: str
) -> None:
    rewrite(folder, changes)
    with pytest.raises(UserError, match=said):
        pixvox_zoo.load(folder)


def test_tensors_of_another_backbone_are_told_with_what_to_do(folder: Path) -> None:
    rewrite(folder, {"backbone.settings": {"features": 49}})
    with pytest.raises(UserError, match=r"reshaped leave.weight .*: fetch the weights again, or"):
        pixvox_zoo.load(folder)


def installed(site: Path, name: str, package: Path, *, recorded: bool = True) -> None:
    """What pip leaves beside a package of weights."""
    info = site / f"pixvox_weights_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: pixvox-weights-{name}\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(f"[pixvox.weights]\n{name} = {package.name}\n")
    sha = hashlib.sha256((package / "card.json").read_bytes()).digest()
    told = urlsafe_b64encode(sha).rstrip(b"=").decode()
    if recorded:
        (info / "RECORD").write_text(
            f"{package.name}/card.json,sha256={told},{(package / 'card.json').stat().st_size}\n"
        )


@pytest.mark.parametrize("recorded", [True, False])
def test_an_installed_card_of_the_older_format_is_proved_by_what_pip_recorded(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, recorded: bool
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    rewrite(folder, {}, older=True)
    package = folder.rename(site / "pixvox_weights_toy")
    installed(site, "toy", package, recorded=recorded)
    assert pixvox_zoo.load("toy").intensity.mean == (3.0,)
    file = package / "card.json"
    file.write_text(file.read_text().replace("3.0", "4.0"))
    if not recorded:  # by pip, of a package that came another way: nobody knows
        assert pixvox_zoo.load("toy").intensity.mean == (4.0,)
        return
    for what in ("toy", package):
        with pytest.raises(UserError, match=r"is not as pixvox-weights-toy 1.0 brought it"):
            pixvox_zoo.load(what)
    with pytest.raises(SystemExit):
        COMMANDS.get("weights")(verify=True, json=True)
    rows = {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}
    assert "pip install --force-reinstall pixvox-weights-toy==1.0" in rows["toy"]


def test_a_broken_card_is_a_row_beside_the_others(
    tmp_path: Path, publish_weights: Publish, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))
    for name, changes in (("torn", {"backbone": {}}), ("whole", {})):
        package = publish_weights(tmp_path / name, "conv_encoder")
        site.mkdir(exist_ok=True)
        rewrite(package, changes)
        installed(site, name, package.rename(site / f"pixvox_weights_{name}"))
    with pytest.raises(SystemExit):
        COMMANDS.get("weights")(json=True)
    rows = {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}
    assert rows["whole"] == "fits" and "backbone.name should be a text" in rows["torn"]


def test_packing_the_older_format_gives_a_whole_card_and_the_same_bytes(
    tmp_path: Path, folder: Path
) -> None:
    parcel = Parcel(name="toy", version="1.0.0", licence="MIT", data_licence="CC0-1.0")
    wheels = []
    for older in (False, True, True):
        rewrite(folder, {}, older=older)
        wheels.append(packing.pack(folder, parcel, tmp_path / str(len(wheels))).read_bytes())
    assert wheels[0] == wheels[1] == wheels[2]
    with zipfile.ZipFile(tmp_path / "2" / "pixvox_weights_toy-1.0.0-py3-none-any.whl") as archive:
        card = json.loads(archive.read("pixvox_weights_toy/card.json"))
    assert card["format"] == weights_card.FORMAT
    told = card.pop(weights_card.DIGEST)
    assert weights_card.signed(card)[weights_card.DIGEST] == told
    again = weights_card.signed({**card, weights_card.DIGEST: "of another"})
    assert again == {**card, weights_card.DIGEST: told}
