"""The contrastive auto-encoder: prototypes on the sphere of h, and a decoder that heeds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import pixvox_zoo
from pixvox_registry import CLUSTERING, DECODERS, UserError
from pixvox_zoo.border import read_recipe
from pixvox_zoo.pictures.clusters import purities
from pixvox_zoo.refit import refit
from pixvox_zoo.stepper import Stepper

WIDTH = 6


def prototypes(**settings: Any) -> Any:
    torch.manual_seed(0)
    return CLUSTERING.build("elbow_prototypes", num_features=WIDTH, **settings)


def blobs(count: int, cases: int = 120, spread: float = 0.05) -> torch.Tensor:
    """``[1, R, E]`` of any length about some directions."""
    generator = torch.Generator().manual_seed(3)
    directions = F.normalize(torch.randn(count, WIDTH, generator=generator), dim=1)
    x = directions[torch.arange(cases) % count]
    x = x + spread * torch.randn(cases, WIDTH, generator=generator)
    return (x * torch.rand(cases, 1, generator=generator).add(0.5))[None]


def at_second_stage(at_work: Any, dims: int) -> tuple[Any, Any]:
    wiring, feed = at_work(read_recipe("contrastive_autoencoder"), dims)
    wiring.begin_stage(wiring.recipe.stages[1])
    refit(wiring, "stage", feed, 0)
    Stepper(wiring)
    return wiring, feed


@pytest.mark.parametrize("dims", [2, 3])
def test_the_gradient_of_what_is_painted_reaches_the_prototypes(dims: int, at_work: Any) -> None:
    wiring, feed = at_second_stage(at_work, dims)
    wiring(feed.at(0), feed.draws_at(0)).backward()
    directions = wiring.part("restore", "clustering").prototypes.directions
    live = wiring.part("restore", "clustering").live
    assert directions.grad is not None and bool((directions.grad[live] != 0).any(1).all())
    assert not directions.grad[~live].any()


def test_the_decoder_paints_other_pictures_of_other_clusters() -> None:
    decoder: Any = DECODERS.build(
        "conditioned_decoder", dims=2, in_channels=1, image_size=28, num_features=WIDTH
    )
    decoder.eval()
    h = torch.randn(1, WIDTH).expand(2, -1)
    scores = torch.zeros(1, 2, 20)
    scores[0, 0, 3] = scores[0, 1, 4] = 1.0
    one, other = decoder(h, scores)
    assert one.shape == (1, 28, 28) and not torch.allclose(one, other)
    warm = decoder(h)
    torch.testing.assert_close(warm[0], warm[1])


@pytest.mark.parametrize("dims", [2, 3])
def test_the_second_stage_goes_on_with_the_decoder_of_the_first(dims: int, at_work: Any) -> None:
    wiring, _ = at_work(read_recipe("contrastive_autoencoder"), dims)
    decoder, encoder = wiring.part("restore", "decoder"), wiring.backbone
    wiring.begin_stage(wiring.recipe.stages[1])
    assert wiring.part("restore", "decoder") is decoder and wiring.backbone is encoder


def test_prototypes_begin_as_centroids_of_the_elbow() -> None:
    made, bank = prototypes(), blobs(5)
    made.refit(bank, torch.ones(120, dtype=torch.bool))
    assert int(made.live.sum()) == 5
    own = made.assign(bank, torch.arange(120), None)[0, 0].argmax(1)
    for blob in range(5):
        mine = torch.arange(120) % 5 == blob
        assert len(own[mine].unique()) == 1
        mean = F.normalize(F.normalize(bank[0, mine], dim=1).sum(0), dim=0)
        torch.testing.assert_close(made.prototypes.directions[own[mine][0]], mean)


def test_as_many_prototypes_as_asked_for_or_as_there_is_no_elbow() -> None:
    made = prototypes(clusters=3)
    made.refit(blobs(5), torch.ones(120, dtype=torch.bool))
    assert int(made.live.sum()) == 3
    even = torch.eye(WIDTH).repeat(20, 1)[None]  # an inertia of zero from six clusters on
    made = prototypes(most=3, otherwise=3)
    made.refit(even, torch.ones(120, dtype=torch.bool))  # two values fall, and have no elbow
    assert int(made.live.sum()) == 3


def test_resting_prototypes_win_no_case_and_keep_their_place() -> None:
    made, bank = prototypes(), blobs(4)
    made.refit(bank, torch.ones(120, dtype=torch.bool))
    resting = made.prototypes.directions[~made.live].detach().clone()
    scores = made.scores(bank)
    assert bool((scores[..., ~made.live] == -1).all())
    assert bool(made.live[scores.argmax(-1)].all())
    with torch.no_grad():
        made.update(bank)
    assert torch.equal(made.prototypes.directions[~made.live], resting)


def test_prototypes_follow_the_mean_of_their_cases() -> None:
    """The naive loop: normalise, take sides, average, move a twentieth, back to the sphere."""
    made, bank = prototypes(), blobs(4, spread=0.4)
    made.refit(bank, torch.ones(120, dtype=torch.bool))
    before = made.prototypes.directions.detach().clone()
    z = blobs(4, cases=14, spread=0.5).reshape(2, 7, WIDTH)
    members: dict[int, list[torch.Tensor]] = {}
    for row in z.flatten(0, 1):
        unit = row / row.norm()
        cosines = [
            float(unit @ p) if live else -2.0 for p, live in zip(before, made.live, strict=True)
        ]
        members.setdefault(cosines.index(max(cosines)), []).append(unit)
    with torch.no_grad():
        made.update(z)
    for k, direction in enumerate(made.prototypes.directions.detach()):
        wanted = before[k]
        if k in members:
            mean = F.normalize(torch.stack(members[k]).mean(0), dim=0)
            wanted = F.normalize(0.95 * before[k] + 0.05 * mean, dim=0)
        torch.testing.assert_close(direction, wanted)


def test_purity_is_the_share_of_the_majorities() -> None:
    classes = torch.tensor([0, 0, 0, 1, 1, 2])
    levels = torch.tensor([[0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1], [4, 3, 3, 0, 0, 1]])
    assert purities(levels, classes) == pytest.approx([3 / 6, 5 / 6, 1.0])


def test_more_clusters_than_cases_or_than_room_are_refused() -> None:
    with pytest.raises(UserError, match="14 clusters of 12 cases"):
        prototypes(clusters=14).refit(blobs(3, cases=12), torch.ones(12, dtype=torch.bool))
    with pytest.raises(UserError, match="room for 20; 30 are asked for"):
        prototypes(clusters=30)


@pytest.mark.parametrize("data", ["shapes_2d", "shapes_3d"])
def test_a_run_leaves_pictures_and_figures(data: str, tmp_path: Path) -> None:
    folder = pixvox_zoo.pretrain(
        "contrastive_autoencoder",
        f"phantoms:{data},count=160",
        tmp_path / "run",
        budget="tiny",
        epochs=4,
        batch=32,
        width=0.25,
        quiet=True,
    )
    pictures = {file.name for file in (tmp_path / "run" / "pictures").iterdir()}
    assert {"restore-map.png", "restore-painted.png", "restore-samples.png"} <= pictures
    assert any(name.startswith("restore-cluster-") for name in pictures)
    shown = json.loads((folder / "card.json").read_text())["shown"]["restore"]
    assert shown["purity"][0] >= shown["largest_class"] and shown["clusters"][0] >= 2
    painted = shown["painted"]
    assert painted["split"] == "val" and 0 <= painted["mse"] < 1 and -1 <= painted["ssim"] <= 1
