"""MedMNIST: official, unofficial, damaged and hostile files."""

import hashlib
import io
import zipfile

import numpy as np
import pytest
import torch

from pixvox_registry import UserError, npz_array
from pixvox_registry.cache import held
from pixvox_registry.medmnist_table import table
from pixvox_registry.npz_array import NpzArray
from pixvox_registry.source_spec import build_source
from pixvox_registry.stored import Stored

UNVERIFIED = "allow_unverified=true"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path))
    (tmp_path / "medmnist").mkdir()
    return tmp_path / "medmnist"


def arrays(number=5, shape=(28, 28), columns=1, high=2, **changes):
    random = np.random.default_rng(0)
    made = {}
    for split in ("train", "val", "test"):
        made[f"{split}_images"] = random.integers(0, 256, (number, *shape), dtype=np.uint8)
        made[f"{split}_labels"] = random.integers(0, high, (number, columns), dtype=np.uint8)
    return made | changes


@pytest.mark.parametrize(
    ("line", "given", "shape", "labels"),
    [
        ("breastmnist", arrays(), (5, 1, 28, 28), ["class"]),
        ("bloodmnist", arrays(shape=(28, 28, 3), high=8), (5, 3, 28, 28), ["class"]),
        ("breastmnist,size=64", arrays(shape=(64, 64)), (5, 1, 64, 64), ["class"]),
        ("organmnist3d", arrays(shape=(28, 28, 28), high=11), (5, 1, 28, 28, 28), ["class"]),
        ("chestmnist", arrays(columns=14), (5, 1, 28, 28), [f"class_{n}" for n in range(14)]),
    ],
)
def test_layouts(folder, line, given, shape, labels):
    source = build_source(f"medmnist:{line},{UNVERIFIED}")
    np.savez_compressed(source.path, **given)
    cases = source.cases("val")
    assert cases.images.shape == shape and cases.images.dtype == torch.uint8
    assert cases.images.is_contiguous() and cases.dims == source.dims
    assert list(cases.labels) == labels and cases.ids[3] == "val/00003"
    assert cases.labels[labels[0]].tolist() == given["val_labels"][:, 0].tolist()
    stored = given["val_images"] if shape[1] == 3 else given["val_images"][..., None]
    assert np.array_equal(cases.images.movedim(1, -1).numpy(), stored)
    facts = source.facts()
    assert facts["verified"] is False
    assert facts["sha256"] == hashlib.sha256(source.path.read_bytes()).hexdigest()


def test_a_wrong_md5_is_refused_unless_allowed(folder):
    source = build_source("medmnist:breastmnist")
    np.savez(source.path, **arrays())
    with pytest.raises(UserError, match=r"not the official.*750601b1.*allow_unverified=true"):
        source.cases("train")
    assert source.facts()["verified"] is False


def test_a_file_that_changes_is_hashed_again(folder):
    source = build_source(f"medmnist:breastmnist,{UNVERIFIED}")
    np.savez(source.path, **arrays())
    before = source.facts()["sha256"]
    np.savez(source.path, **arrays(number=7))
    assert source.facts()["sha256"] != before


def test_a_missing_file_says_where_and_how(folder):
    with pytest.raises(UserError, match=r"adrenalmnist3d_64.npz.*data get medmnist:.*,size=64"):
        build_source("medmnist:adrenalmnist3d,size=64").cases("train")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is not there"),
        (b"not a zip", "damaged"),
        (b"not a zip", "not the official"),
    ],
)
def test_a_file_of_ones_own_is_never_to_be_downloaded(folder, content, said):
    line = "medmnist:pneumoniamnist,size=64,file=mine.npz"
    if content is not None:
        (folder / "mine.npz").write_bytes(content)
    with pytest.raises(UserError, match=said) as refusal:
        build_source(f"{line},{UNVERIFIED}" if said == "damaged" else line).cases("train")
    heard = str(refusal.value)
    assert str(folder / "mine.npz") in heard and "data get" not in heard
    assert "Nobody publishes" in heard
    assert "the official set, medmnist:pneumoniamnist,size=64, without file=" in heard


def test_a_damaged_official_file_is_to_be_moved_away_and_fetched_again(folder):
    (folder / "breastmnist.npz").write_bytes(b"not a zip")
    for line in ("breastmnist", "breastmnist,file=breastmnist.npz"):
        with pytest.raises(UserError, match="Move it away and run `pixvox data get medmnist:br"):
            build_source(f"medmnist:{line}").cases("train")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("brestmnist", "Did you mean 'breastmnist'"),
        ("breastmnist,size=32", "sizes 28, 64, 128, 224; 32 came"),
        ("adrenalmnist3d,size=128", "sizes 28, 64; 128 came"),
    ],
)
def test_unknown_sets_and_sizes(folder, line, said):
    with pytest.raises(UserError, match=said):
        build_source(f"medmnist:{line}").cases("train")


NAN = np.full((5, 28, 28), np.nan, dtype=np.float32)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train_images": np.zeros((5, 28, 29), np.uint8)}, "N x 28 x 28"),
        ({"train_images": np.zeros((5, 28, 28, 3), np.uint8)}, "N x 28 x 28"),
        ({"train_images": np.zeros((5, 28, 28), np.float64)}, "float64 came"),
        ({"train_images": np.uint8(3)}, r"\(\) of uint8"),
        ({"train_images": NAN}, "NaN"),
        ({"train_images": np.zeros((4, 28, 28), np.uint8)}, "4 x 1 whole numbers"),
        ({"train_images": np.zeros((0, 28, 28), np.uint8)}, "holds no case"),
        ({"train_labels": np.full((5, 1), 2, np.uint8)}, "0 to 1; 2 to 2"),
        ({"train_labels": np.full((5, 1), 0.5)}, "whole numbers"),
        ({"train_labels": np.zeros((5, 3), np.uint8)}, "5 x 1"),
        ({"train_images": np.array([{"a": 1}] * 5, dtype=object)}, "object came"),
    ],
)
def test_wrong_arrays_are_told(folder, changes, said):
    source = build_source(f"medmnist:breastmnist,{UNVERIFIED}")
    np.savez(source.path, **arrays(**changes))
    with pytest.raises(UserError, match=said):
        source.cases("train")


@pytest.mark.parametrize("layout", ["breastmnist", "bloodmnist", "organmnist3d"])
def test_a_large_set_stays_on_disk_and_says_the_same(folder, layout, monkeypatch):
    shape = {"breastmnist": (28,) * 2, "bloodmnist": (28, 28, 3), "organmnist3d": (28,) * 3}[layout]
    source = build_source(f"medmnist:{layout},{UNVERIFIED}")
    np.savez_compressed(source.path, **arrays(number=600, shape=shape))  # three pieces
    whole = source.cases("train")
    monkeypatch.setattr(npz_array, "RESIDENT_BYTES", 1000)
    large = source.cases("train")
    assert isinstance(whole.images, torch.Tensor) and isinstance(large.images, Stored)
    assert torch.equal(large.images[:], whole.images)
    assert large.ids == whole.ids and torch.equal(large.labels["class"], whole.labels["class"])
    (entry,) = held()
    assert (entry.kind, entry.root, entry.files) == ("npz", source.path, 1)
    monkeypatch.setattr(NpzArray, "_pieces", None)  # nothing is unpacked twice
    assert torch.equal(source.cases("train").images[5], whole.images[5])


@pytest.mark.parametrize("resident", [1 << 30, 0])
def test_an_array_that_lies_column_by_column_is_read_as_any_other(folder, resident, monkeypatch):
    monkeypatch.setattr(npz_array, "RESIDENT_BYTES", resident)
    given = arrays()
    source = build_source(f"medmnist:breastmnist,{UNVERIFIED}")
    np.savez(source.path, **{name: np.asfortranarray(array) for name, array in given.items()})
    images = source.cases("train").images
    assert np.array_equal(images[:].numpy()[:, 0], given["train_images"])


@pytest.mark.parametrize("resident", [1 << 30, 0])
def test_a_file_cut_or_flipped_anywhere_is_told(folder, resident, monkeypatch):
    monkeypatch.setattr(npz_array, "RESIDENT_BYTES", resident)
    source = build_source(f"medmnist:breastmnist,{UNVERIFIED}")
    whole = io.BytesIO()
    np.savez_compressed(whole, **arrays())
    content = whole.getvalue()
    for cut in range(0, len(content), len(content) // 40):
        source.path.write_bytes(content[:cut])
        with pytest.raises(UserError, match="damaged"):
            source.cases("train")
    member = zipfile.ZipFile(whole).getinfo("train_images.npy")
    for place in range(member.header_offset + 70, member.header_offset + member.compress_size, 97):
        source.path.write_bytes(
            content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]
        )
        with pytest.raises(UserError):
            source.cases("train")


@pytest.mark.parametrize(
    "content", [b"", b"not a zip", b"\x93NUMPY\x01\x00", b"PK\x05\x06" + b"\0" * 18]
)
def test_what_is_no_npz_is_told(folder, content):
    source = build_source(f"medmnist:breastmnist,{UNVERIFIED}")
    source.path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        source.cases("test")


def test_a_header_that_promises_too_much_costs_nothing(folder):
    source = build_source(f"medmnist:breastmnist,{UNVERIFIED}")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**15, 28, 28)}
    )
    with zipfile.ZipFile(source.path, "w") as members:
        members.writestr("train_images.npy", header.getvalue())
    with pytest.raises(UserError, match="damaged"):
        source.cases("train")


def test_the_table_is_whole():
    sets = table().sets
    assert len(sets) == 18 and sum(entry.dims == 3 for entry in sets.values()) == 6
    sums = [md5 for entry in sets.values() for md5 in entry.md5.values()]
    assert len(sums) == len(set(sums)) == 12 * 4 + 6 * 2
    assert all(len(md5) == 32 and int(md5, 16) for md5 in sums)
    for entry in sets.values():
        assert list(entry.cases) == ["train", "val", "test"] and len(entry.classes) > 1


@pytest.mark.parametrize(
    ("line", "counts", "verified"),
    [
        ("breastmnist", (546, 78, 156), True),
        ("adrenalmnist3d", (1188, 98, 298), True),
        (
            f"pneumoniamnist,file=pneumoniamnist_reconstructed.npz,{UNVERIFIED}",
            (4708, 524, 624),
            False,
        ),
    ],
)
def test_real_files(real_data, line, counts, verified):
    source = build_source(f"medmnist:{line}")
    if not source.path.is_file():
        pytest.skip(f"{source.path} is not there")
    assert tuple(len(source.cases(split)) for split in source.splits) == counts
    assert counts == tuple(source.entry.cases.values())
    assert source.facts()["verified"] is verified
