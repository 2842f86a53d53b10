"""A user's own folder: every common file, decoded once, broken ones named."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pixvox_registry import UserError
from pixvox_registry.source_spec import build_source
from pixvox_registry.sources.image_folder import ImageFolder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "scans"


def save(file: Path, array, **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(file, **options)


def grey(seed=0, shape=(40, 50)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_files_of_all_kinds_become_squares(folder):
    for number, suffix in enumerate(("png", "jpg", "TIF", "bmp", "webp", "pgm")):
        save(folder / "deep" / f"{number}.{suffix}", grey(number))
    save(folder / "colour.png", grey(shape=(30, 20, 3)))
    save(folder / "clear.png", grey(shape=(30, 20, 4)))
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.png").write_bytes(b"")
    for channels in (1, 3):
        cases = build_source(f"image_folder:{folder},image_size=16,channels={channels}").cases(
            "train"
        )
        assert cases.images.shape == (8, channels, 16, 16) and cases.images.dtype == torch.uint8
        assert cases.ids == tuple(sorted(cases.ids)) and "deep/2.TIF" in cases.ids
        assert not cases.labels and cases.images[:].flatten(1).float().std(1).min() > 0


def test_the_middle_is_kept_and_the_shorter_side_sets_the_scale(folder):
    wide = np.zeros((8, 24), np.uint8)
    wide[:, 8:16] = np.arange(64, dtype=np.uint8).reshape(8, 8)
    save(folder / "wide.png", wide)
    cases = ImageFolder(str(folder), image_size=8).cases("train")
    assert torch.equal(cases.images[0][0], torch.arange(64, dtype=torch.uint8).view(8, 8))


@pytest.mark.parametrize("kind", ["<u2", ">u2", "<i4", "<f4"])
def test_sixteen_bits_are_stretched_not_clipped(folder, kind):
    values = np.linspace(1000, 41000, 64).reshape(8, 8).astype(kind)
    folder.mkdir()
    Image.fromarray(values).save(folder / "deep.tif")
    image = ImageFolder(str(folder), image_size=8).cases("train").images[0][0].flatten()
    assert image[0] == 0 and image[-1] == 255
    assert (image.diff().int() >= 0).all() and len(image.unique()) == 64


def test_photographs_are_turned_upright(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn
    picture = np.zeros((8, 8), np.uint8)
    picture[0, :] = 255
    save(folder / "turned.png", picture, exif=exif)
    image = ImageFolder(str(folder), image_size=8).cases("train").images[0][0]
    assert (image[:, -1] == 255).all() and (image[:, 0] == 0).all()


def test_the_second_time_comes_from_the_cache(folder, monkeypatch):
    save(folder / "a.png", grey())
    source = ImageFolder(str(folder), image_size=16)
    first, facts = source.cases("train"), source.facts()
    read = "pixvox_registry.sources.image_folder.read_picture"
    monkeypatch.setattr(read, lambda *_, **__: pytest.fail("decoded again"))
    second = source.cases("train")
    assert torch.equal(first.images[:], second.images[:]) and source.facts() == facts
    second.images[:].zero_()  # private to its holder
    assert torch.equal(source.cases("train").images[:], first.images[:])
    assert facts["verified"] is False


def test_a_changed_file_or_a_torn_cache_is_decoded_anew(folder, tmp_path):
    save(folder / "a.png", grey(1))
    source = ImageFolder(str(folder), image_size=16)
    before = source.cases("train").images[:]
    save(folder / "a.png", grey(2))
    os.utime(folder / "a.png", ns=(1, 1))
    after = source.cases("train").images[:]
    assert not torch.equal(before, after)
    for pixels in (tmp_path / "cache").rglob("images.uint8"):
        pixels.write_bytes(pixels.read_bytes()[:-1])
    assert torch.equal(source.cases("train").images[:], after)


def test_sub_folders_are_labels_where_asked(folder):
    for number, name in enumerate(("cat", "ape", "cat/young")):
        save(folder / name / f"{number}.png", grey(number))
    source = build_source(f"image_folder:{folder},image_size=8,labelled=true")
    assert source.classes == ("ape", "cat")
    assert source.cases("train").labels["class"].tolist() == [0, 1, 1]
    save(folder / "loose.png", grey())
    with pytest.raises(UserError, match=r"loose\.png"):
        source.cases("train")


def test_broken_files_are_named_and_left_out_only_when_asked(folder):
    save(folder / "good.png", grey())
    save(folder / "later.png", grey(1))
    content = (folder / "good.png").read_bytes()
    (folder / "cut.png").write_bytes(content[: len(content) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.tif").write_text("not an image")
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(folder / "nan.tif")
    frames = [Image.fromarray(grey(n)) for n in range(3)]
    frames[0].save(folder / "stack.tif", save_all=True, append_images=frames[1:])
    for _ in range(2):
        with pytest.raises(UserError, match="5 of 7") as refusal:
            ImageFolder(str(folder)).cases("train")
    for name in ("cut.png", "empty.jpg", "text.tif", "nan.tif", "stack.tif", "3 frames", "NaN"):
        assert name in str(refusal.value)
    assert ImageFolder(str(folder), skip_broken=True).cases("train").ids == (
        "good.png",
        "later.png",
    )
    (folder / "good.png").unlink()
    (folder / "later.png").unlink()
    with pytest.raises(UserError, match="5 of 5"):
        ImageFolder(str(folder), skip_broken=True).cases("train")


def test_no_folder_and_no_image(folder):
    with pytest.raises(UserError, match="is none"):
        ImageFolder(str(folder)).cases("train")
    folder.mkdir()
    with pytest.raises(UserError, match="nothing was found"):
        ImageFolder(str(folder)).cases("train")
    (folder / "a.dcm").write_bytes(b"")
    with pytest.raises(UserError, match=r"1 \.dcm was found"):
        ImageFolder(str(folder)).cases("train")
    with pytest.raises(UserError, match="1 or 3 channels"):
        ImageFolder(str(folder), channels=2).cases("train")
