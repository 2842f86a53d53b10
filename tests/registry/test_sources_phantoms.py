"""Phantoms: keyed by case, balanced, disjoint, the same anatomy at every size, and learnable."""

import math

import pytest
import torch

from pixvox_registry import UserError
from pixvox_registry.anatomy import WAVES, Chance, waves
from pixvox_registry.cache import held
from pixvox_registry.draws import generator
from pixvox_registry.source_spec import build_source
from pixvox_registry.sources import phantoms

KINDS = ("shapes_2d", "texture_2d", "shapes_3d", "texture_3d")


@pytest.mark.parametrize("kind", KINDS)
def test_a_larger_count_leaves_the_earlier_cases(kind):
    few = build_source(f"phantoms:{kind},count=33").cases("train")
    many = build_source(f"phantoms:{kind},count=40").cases("train")
    assert torch.equal(few.images, many.images[:33])
    assert torch.equal(few.masks, many.masks[:33])
    assert torch.equal(few.labels["class"], many.labels["class"][:33])
    assert few.ids == many.ids[:33]


@pytest.mark.parametrize("kind", KINDS)
def test_cases_are_whole_and_balanced(kind):
    source = build_source(f"phantoms:{kind},count=16")
    dims = int(kind[-2])
    for split, number in (("train", 16), ("val", 8), ("test", 8)):
        cases = source.cases(split)
        assert source.dims == cases.dims == dims
        assert cases.images.shape == (number, 1, *[28] * dims)
        assert cases.images.dtype == cases.masks.dtype == torch.uint8
        assert cases.labels["class"].bincount().tolist() == [number // 4] * 4
        organ = (cases.masks == 1).flatten(1).double().mean(1)
        assert ((organ > 0.01) & (organ < 0.6)).all()
        assert cases.images.flatten(1).double().std(1).min() > 3
    assert len(source.classes) == 4


def test_what_has_been_painted_is_kept(monkeypatch):
    source = build_source("phantoms:shapes_3d,count=40")
    first = source.cases("train")
    paint, painted = phantoms.paint, []
    monkeypatch.setattr(phantoms, "paint", lambda *a: painted.append(len(a[0])) or paint(*a))
    again = build_source("phantoms:shapes_3d,count=40").cases("train")
    assert torch.equal(again.images, first.images) and torch.equal(again.masks, first.masks)
    assert painted == [4], "a sample alone"
    (entry,) = held()
    assert (entry.kind, entry.size_bytes >= 40 * 2 * 28**3) == ("phantoms", True)


def test_what_is_painted_otherwise_is_not_taken_from_the_cache(monkeypatch):
    source = build_source("phantoms:shapes_2d,count=40")
    first, paint = source.cases("train"), phantoms.paint

    def brighter(*arguments):
        images, masks = paint(*arguments)
        return 255 - images, masks

    monkeypatch.setattr(phantoms, "paint", brighter)
    assert torch.equal(source.cases("train").images, 255 - first.images)


def test_phantoms_need_no_disk(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    source = build_source("phantoms:shapes_2d,count=40")
    first = source.cases("train")
    monkeypatch.setenv("PIXVOX_CACHE", str(tmp_path / "file" / "cache"))
    assert torch.equal(source.cases("train").images, first.images)


PAINTED = {"1": ["dcd413c7", "eebb4687", "d7b03e2e", "4d1da9a8"]}


def test_what_is_painted_changes_with_its_version_alone():
    """Else what other versions painted would be taken from the cache."""
    painted = [build_source(f"phantoms:{kind},count=8").facts()["sha256"][:8] for kind in KINDS]
    assert {phantoms.VERSION: painted} == PAINTED


def test_splits_seeds_and_kinds_share_no_picture():
    sources = [
        build_source(f"phantoms:{kind},count=8,seed={s}") for kind in KINDS[:2] for s in (0, 1)
    ]
    cases = [source.cases(split) for source in sources for split in source.splits]
    pictures = [image.numpy().tobytes() for some in cases for image in some.images]
    patients = [patient for some in cases for patient in some.patients]
    assert len(set(pictures)) == len(pictures) == len(set(patients))


@pytest.mark.parametrize("kind", ["shapes_2d", "shapes_3d"])
def test_another_size_shows_the_same_anatomy(kind):
    """Every second pixel of the finer mask agrees with the coarser one, but for the edges."""
    coarse = build_source(f"phantoms:{kind},count=8,image_size=15").cases("train").masks
    fine = build_source(f"phantoms:{kind},count=8,image_size=45").cases("train").masks
    dims = coarse.ndim - 1
    centres = fine[(slice(None), *[slice(1, None, 3)] * dims)]  # 45 = 3 x 15: same positions
    assert (centres == coarse).float().mean() > 0.99


@pytest.mark.parametrize("dims", [2, 3])
def test_waves_are_the_sum_of_cosines(dims):
    size, low, high = 5, 2.0, 4.0
    chance = Chance((generator(0, "a"), generator(0, "b")), dims)
    made = waves(chance, size, low, high)
    for case, name in enumerate("ab"):
        again = Chance((generator(0, name),), dims)
        directions = again.directions(WAVES)[0]
        frequency = low + (high - low) * again.uniform(0, 1, WAVES)[0]
        phase = again.uniform(0, 2 * math.pi, WAVES)[0]
        for where in torch.cartesian_prod(*[torch.arange(size)] * dims):
            x = (where.double() + 0.5) / size - 0.5
            turns = 2 * math.pi * frequency * (directions @ x) + phase
            wanted = math.sqrt(2 / WAVES) * turns.cos().sum()
            assert made[(case, *where.tolist())] == pytest.approx(wanted.item(), abs=1e-12)


def test_facts_follow_the_settings():
    facts = [build_source(f"phantoms:{kind},count=8").facts() for kind in KINDS]
    facts += [build_source(f"phantoms:shapes_2d,count={n},seed=1").facts() for n in (8, 9)]
    assert len({one["sha256"] for one in facts}) == len(facts)
    assert facts[0] == build_source("phantoms:shapes_2d,count=8").facts()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("phantoms:shape_2d", "Did you mean 'shapes_2d'"),
        ("phantoms:shapes_2d,count=0", "at least 2"),
        ("phantoms:shapes_2d,image_size=4", "at least 8"),
    ],
)
def test_wrong_settings_are_refused(text, said):
    with pytest.raises(UserError, match=said):
        build_source(text).cases("train")
    with pytest.raises(UserError, match="Did you mean 'train'"):
        build_source("phantoms").cases("trian")


@pytest.mark.parametrize("kind", KINDS[:2])
def test_raw_values_do_not_tell_the_class(kind):
    """The nearest neighbour in pixels is often of another class: a backbone has something to do."""
    source = build_source(f"phantoms:{kind},count=256")
    train, test = source.cases("train"), source.cases("test")
    near = torch.cdist(test.images.flatten(1).float(), train.images.flatten(1).float()).argmin(1)
    right = (train.labels["class"][near] == test.labels["class"]).float().mean()
    assert right < 0.65
