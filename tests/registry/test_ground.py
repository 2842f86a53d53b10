"""The ground: draws that depend on their key alone, files whole or absent, honest scales."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from pixvox_registry.artifacts import canonical_json, fingerprint, publish, publish_folder
from pixvox_registry.budgets import BUDGETS, budget
from pixvox_registry.cases import Cases
from pixvox_registry.draws import Draws, key
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.sources.image_folder import ImageFolder


def test_a_draw_depends_on_seed_purpose_step_and_position_only() -> None:
    whole = Draws(seed=1, step=2, batch=8)
    for method in ("uniform", "normal"):
        x = getattr(whole, method)("a", 3)
        halves = [
            getattr(Draws(seed=1, step=2, batch=8, rows=rows), method)("a", 3)
            for rows in (slice(0, 4), slice(4, 8))
        ]
        assert torch.equal(torch.cat(halves), x)
        assert torch.equal(getattr(whole, method)("a", 3), x)
        for other in (Draws(seed=2, step=2, batch=8), Draws(seed=1, step=3, batch=8)):
            assert not torch.equal(getattr(other, method)("a", 3), x)
        assert not torch.equal(getattr(whole, method)("b", 3), x)
    assert whole.integers("k", 5).max() < 5


def test_keys_are_32_bits_and_tell_types_apart() -> None:
    keys = {key(seed, purpose) for seed in range(1000) for purpose in ("a", "b")}
    assert len(keys) == 2000 and max(keys) < 2**32
    assert key(1, "2") != key(1, 2)


def test_canonical_json_has_one_spelling_and_no_nan() -> None:
    assert canonical_json({"b": 1, "a": (2, 3)}) == canonical_json({"a": [2, 3], "b": 1})
    assert fingerprint({"a": 1.0}) != fingerprint({"a": 1.5})
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))


def test_the_first_writer_wins_where_replacing_is_off(tmp_path: Path) -> None:
    file = tmp_path / "deep/file"
    assert publish(file, b"one", replace=False)
    assert not publish(file, b"two", replace=False)
    assert file.read_bytes() == b"one"
    assert publish(file, b"three")
    assert [p.name for p in file.parent.iterdir()] == ["file"] and file.read_bytes() == b"three"


def test_a_folder_that_fails_to_fill_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    publish_folder(folder, lambda place: (place / "a").write_text("old") and None)

    def fail(place: Path) -> None:
        (place / "a").write_text("new")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish_folder(folder, fail)
    assert (folder / "a").read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["f"]


def test_of_two_that_fill_one_new_folder_the_first_stands(tmp_path: Path) -> None:
    folder = tmp_path / "deep/f"

    def fill(place: Path, text: str) -> None:
        (place / "a").write_text(text)

    def overtaken(place: Path) -> None:
        fill(place, "second")
        assert publish_folder(folder, partial(fill, text="first"))

    assert not publish_folder(folder, overtaken)
    assert (folder / "a").read_text() == "first"
    assert publish_folder(folder, overtaken)  # what was there before is replaced all the same
    assert (folder / "a").read_text() == "second"
    assert [p.name for p in folder.parent.iterdir()] == ["f"]


def test_many_that_replace_one_folder_leave_a_whole_one_and_nothing_beside_it(
    tmp_path: Path,
) -> None:
    def fill(place: Path, number: int) -> None:
        for name in ("a", "b"):
            (place / name).write_text(str(number))

    folder = tmp_path / "f"
    publish_folder(folder, partial(fill, number=-1))
    with ThreadPoolExecutor(4) as pool:
        each = [pool.submit(publish_folder, folder, partial(fill, number=n)) for n in range(100)]
    assert any(one.result() for one in each)
    assert (folder / "a").read_text() == (folder / "b").read_text() != "-1"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_two_that_decode_one_image_folder_at_once_share_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scans").mkdir()
    Image.new("L", (8, 8), 7).save(tmp_path / "scans/a.png")
    sources = [ImageFolder(str(tmp_path / "scans"), image_size=8) for _ in range(2)]
    others: list[Tensor] = []
    rename = Path.replace

    def overtaken(temporary: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", rename)
        others.append(sources[1].cases("train").images[:])
        return rename(temporary, target)

    monkeypatch.setattr(Path, "replace", overtaken)
    assert torch.equal(sources[0].cases("train").images[:], others[0])
    assert len(list((tmp_path / "cache/image_folder").iterdir())) == 1


def _write_for_ever(file: Path) -> None:
    number = 0
    while True:
        number += 1
        publish(file, bytes([number % 256]) * 200_000)


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for trial in range(5):
        writer = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(file,))
        writer.start()
        while not file.exists():
            time.sleep(0.001)
        time.sleep(0.01 * trial)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        content = file.read_bytes()
        assert len(content) == 200_000 and len(set(content)) == 1


@pytest.mark.parametrize("dims", [2, 3])
def test_standardising_gives_mean_zero_and_deviation_one_per_channel(dims: int) -> None:
    images = torch.randint(0, 255, (600, 2, *[6] * dims), dtype=torch.uint8)
    images[:, 1] //= 3
    x = Intensity.of(cases_of(images)).standardise(images)
    moments = x.transpose(0, 1).flatten(1)
    torch.testing.assert_close(moments.mean(1), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(moments.std(1, unbiased=False), torch.ones(2), atol=1e-5, rtol=0)
    constant = torch.full((4, 1, *[3] * dims), 7, dtype=torch.int16)
    flat = Intensity.of(cases_of(constant))
    assert torch.equal(flat.standardise(constant), torch.zeros(constant.shape))


def test_black_and_white_of_other_units_are_those_of_the_scale() -> None:
    stored = torch.randint(0, 256, (9, 2, 6, 6), dtype=torch.uint8)
    greys = cases_of(stored)
    scores = cases_of(stored.double() / 255 * 6 - 3, value_range=(-3.0, 3.0))
    scale = Intensity.of(greys)
    assert scale.in_units_of(greys) is scale
    seen = scale.in_units_of(scores).standardise(scores.images)
    torch.testing.assert_close(seen, scale.standardise(stored), atol=1e-5, rtol=0)
    back = scale.in_units_of(scores).in_units_of(greys)
    torch.testing.assert_close(back.standardise(stored), scale.standardise(stored))


def test_white_is_above_black() -> None:
    with pytest.raises(ValueError, match=r"white 0\.0 must be above black 1\.0"):
        cases_of(torch.zeros(1, 1, 2, 2), value_range=(1.0, 0.0))


def cases_of(images: torch.Tensor, **more: Any) -> Cases:
    return Cases(images=images, ids=tuple(map(str, range(len(images)))), **more)


def test_resizing_keeps_type_ids_and_the_physical_extent() -> None:
    cases = Cases(
        images=torch.full((3, 1, 8, 4), 200, dtype=torch.uint8),
        ids=("a", "b", "c"),
        masks=torch.ones(3, 8, 4, dtype=torch.uint8),
        spacing_mm=(1.0, 2.0),
    )
    small = cases.resized(4)
    assert small.images.shape == (3, 1, 4, 4) and small.images.dtype == torch.uint8
    assert (small.images == 200).all() and small.spacing_mm == (2.0, 2.0)
    assert small.masks is not None and small.masks.shape == (3, 4, 4)
    assert small.resized(4) is small


def test_cases_that_do_not_match_are_refused() -> None:
    images = torch.zeros(2, 1, 4, 4)
    with pytest.raises(ValueError, match="2 images but 1 ids"):
        Cases(images=images, ids=("a",))
    with pytest.raises(ValueError, match="repeat"):
        Cases(images=images, ids=("a", "a"))
    with pytest.raises(ValueError, match="3 class"):
        Cases(images=images, ids=("a", "b"), labels={"class": torch.zeros(3)})


def test_every_budget_names_all_that_it_spends() -> None:
    assert {name for name, _ in BUDGETS} == {"tiny", "brief", "small", "standard", "paper"}
    assert budget("small", 3).facts()["stem"] == "imagenet"
    with pytest.raises(UserError, match="Did you mean 'small'"):
        budget("smal", 2)
