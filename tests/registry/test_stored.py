"""Rows that stay on disk: the same as a tensor to whoever reads them, and nothing kept."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pixvox_benchmarks.task import digest_of
from pixvox_registry import UserError
from pixvox_registry.cases import Cases
from pixvox_registry.contact_sheet import strips_of
from pixvox_registry.decoded import Decoded, decode
from pixvox_registry.intensity import Intensity
from pixvox_registry.scans import Scans
from pixvox_registry.stored import Stored, loaded, rows_at_once


def rows(number: int, *each: int, dtype: str = "uint8") -> np.ndarray:
    drawn = np.random.default_rng(number).normal(100, 40, each)
    return drawn.astype(np.float16) if dtype == "float16" else drawn.clip(0, 255).astype(dtype)


def kept(root: Path, count: int, *each: int, dtype: str = "uint8") -> Decoded:
    root.mkdir(exist_ok=True)
    files = [f"{number:04d}.bin" for number in range(count)]
    for file in files:
        (root / file).touch()
    return decode(
        "toy",
        root,
        files,
        lambda path: rows(int(path.stem), *each, dtype=dtype),
        dtype=dtype,
        settings={"each": each},
        skip_broken=False,
    )


@pytest.fixture
def both(tmp_path: Path) -> tuple[Stored, torch.Tensor]:
    """Forty images on disk, and the same in memory."""
    whole = torch.stack([torch.from_numpy(rows(n, 2, 6, 5)) for n in range(40)])
    return kept(tmp_path / "toy", 40, 2, 6, 5).stored, whole


def cases_of(images: Any, **more: Any) -> Cases:
    return Cases(images=images, ids=tuple(map(str, range(len(images)))), **more)


def test_every_way_to_choose_rows_is_that_of_a_tensor(both: tuple[Stored, torch.Tensor]) -> None:
    stored, whole = both
    assert stored.shape == whole.shape and stored.ndim == 4 and stored.dtype == torch.uint8
    assert stored.numel() == whole.numel() and stored.element_size() == 1 and len(stored) == 40
    draw = random.Random(0)
    ways: list[Any] = [0, -1, np.int64(7), slice(None), slice(3, 30, 4), slice(9, 2), []]
    ways += [[draw.randrange(-40, 40) for _ in range(n)] for n in (1, 7, 60)]
    ways += [torch.tensor([5, 6, 7, 3, 3]), torch.tensor(4), torch.arange(40) % 3 == 0]
    for way in ways:
        assert torch.equal(stored[way], whole[way]), way
        inner = stored.chosen(range(39, -1, -1))
        assert torch.equal(inner[way], whole.flip(0)[way]), way
    index = torch.randperm(40)
    assert torch.equal(stored.index_select(0, index), whole.index_select(0, index))
    for size in (1, 7, 40, 100):
        pieces = list(stored.split(size))
        assert [len(piece) for piece in pieces] == [len(piece) for piece in whole.split(size)]
        assert torch.equal(torch.cat(pieces), whole)
    assert all(torch.equal(a, b) for a, b in zip(stored, whole, strict=True))
    assert torch.equal(loaded(stored, torch.device("cpu")), whole)


def test_what_no_row_is_is_refused(both: tuple[Stored, torch.Tensor]) -> None:
    stored, _ = both
    for beyond in (40, -41, [3, 40]):
        with pytest.raises(IndexError):
            stored[beyond]
    with pytest.raises(TypeError, match="rows alone"):
        stored[0, 1]
    with pytest.raises(ValueError, match="along 0"):
        stored.index_select(1, torch.tensor([0]))


def test_what_was_read_is_the_readers_own(both: tuple[Stored, torch.Tensor]) -> None:
    stored, whole = both
    stored[3].zero_()
    stored[:].zero_()
    assert torch.equal(stored[:], whole)


def test_an_open_set_outlives_its_file_and_a_cut_one_says_so(
    both: tuple[Stored, torch.Tensor],
) -> None:
    stored, whole = both
    file = stored.content.file
    os.truncate(file, 20 * 60)
    assert torch.equal(stored[:20], whole[:20])
    with pytest.raises(UserError, match="pixvox data cache"):
        stored[20]
    file.write_bytes(whole.numpy().tobytes())
    file.unlink()
    assert torch.equal(stored[:], whole)


def test_chosen_cases_stay_on_disk_with_their_masks(tmp_path: Path) -> None:
    decoded = kept(tmp_path / "toy", 9, 1, 4, 4, 4)
    cases = cases_of(decoded.stored, masks=decoded.masks, labels={"class": torch.arange(9)})
    assert cases.dims == 3 and cases.in_channels == 1 and decoded.masks.shape == (9, 4, 4, 4)
    some = cases.chosen([7, 2])
    assert isinstance(some.images, Stored) and isinstance(some.masks, Stored)
    assert some.ids == ("7", "2") and some.labels["class"].tolist() == [7, 2]
    assert torch.equal(some.images[:], cases.images[[7, 2]])
    assert torch.equal(some.masks[:], cases.images[[7, 2]][:, 0])
    scans = Scans.of(some)
    assert torch.equal(scans[1].mask, scans[1].image[0]) and scans[1].id == "2"
    assert torch.equal(decoded.image(5), decoded.stored[5])


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
@pytest.mark.parametrize("dims", [2, 3])
def test_scale_digest_and_size_are_those_of_the_tensor(
    tmp_path: Path, dims: int, dtype: str
) -> None:
    decoded = kept(tmp_path / "toy", 300, 2, *[7] * dims, dtype=dtype)
    on_disk = cases_of(decoded.stored.chosen(range(0, 300, 2)))
    resident = cases_of(decoded.stored[:][::2].clone())
    for size in (7, 4, 11):
        ours, theirs = on_disk.resized(size), resident.resized(size)
        assert Intensity.of(ours) == Intensity.of(theirs)
        assert digest_of(ours.images) == digest_of(theirs.images)


def test_a_large_set_is_resized_into_the_cache_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = kept(tmp_path / "toy", 20, 3, 8, 6)
    masks = kept(tmp_path / "masks", 20, 1, 8, 6).masks
    cases = cases_of(decoded.stored, masks=masks, spacing_mm=(1.0, 1.0))
    for some in (cases, cases.chosen([4, 1, 19])):
        small = some.resized(5, resident_bytes=3 * 3 * 25 - 1)
        assert isinstance(small.images, Stored) and small.spacing_mm == (1.6, 1.2)
        for row, (image, mask) in enumerate(zip(some.images, some.masks, strict=True)):
            wanted = F.interpolate(image[None].float(), size=5, mode="bilinear", antialias=True)
            assert torch.equal(small.images[row], wanted[0].round().to(torch.uint8))
            near = F.interpolate(mask[None, None].float(), size=5)[0, 0]
            assert torch.equal(small.masks[row], near.to(torch.uint8))
    assert isinstance(cases.resized(5).images, torch.Tensor)
    monkeypatch.setattr(F, "interpolate", pytest.fail)
    again = cases.resized(5, resident_bytes=100)
    assert again.images.content.file != small.images.content.file
    assert len(again.images[:]) == 20


def test_a_contact_sheet_shows_what_is_on_disk(tmp_path: Path) -> None:
    decoded = kept(tmp_path / "toy", 9, 1, 16, 8, 8, dtype="float16")
    ours = strips_of(cases_of(decoded.stored, masks=decoded.masks))
    theirs = strips_of(cases_of(decoded.stored[:], masks=decoded.masks[:]))
    for mine, other in zip(ours, theirs, strict=True):
        assert np.array_equal(mine.tiles, other.tiles) and np.array_equal(mine.masks, other.masks)


def test_a_piece_holds_256_rows_unless_memory_forbids() -> None:
    assert rows_at_once(28 * 28) == rows_at_once(64**3, 1 << 26) == 256
    assert rows_at_once(128**3) == 2 and rows_at_once(10**10) == 1
