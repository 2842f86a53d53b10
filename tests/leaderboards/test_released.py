"""Wheels of weights are told by the digests of what was measured."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from pixvox_leaderboards.released import released
from pixvox_registry import UserError


def wheel(folder: Path, name: str, **members: str) -> None:
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for member, content in members.items():
            archive.writestr(f"{name}/{member}.json", content)


def card(name: str, tensors: str, **more: str) -> str:
    return json.dumps({"name": name, "sha256": {"backbone.safetensors": tensors}, **more})


def test_rounded_weights_are_found_by_what_they_were_made_from(tmp_path: Path) -> None:
    wheel(tmp_path, "one", card=card("first", "aa"))
    wheel(tmp_path, "two", card=card("second", "bb", made_from="cc"), other="{}")
    assert released(tmp_path) == {"aa": "first", "bb": "second", "cc": "second"}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        released(tmp_path / "none")


@pytest.mark.parametrize(
    "members",
    [{}, {"card": "{}"}, {"card": "["}, {"card": "[]"}, {"card": '{"name": "n", "sha256": "x"}'}],
)
def test_other_wheels_are_told(tmp_path: Path, members: dict[str, str]) -> None:
    wheel(tmp_path, "other", **members)
    with pytest.raises(
        UserError, match=r"other-1\.0-py3-none-any\.whl should be a wheel of weights"
    ):
        released(tmp_path)


def test_what_is_no_wheel_at_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "torn.whl").write_bytes(b"PK")
    with pytest.raises(UserError, match="BadZipFile"):
        released(tmp_path)
