"""Misfits are refused in a sentence, and what could go wrong in silence is counted."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from pixvox_registry import LOSSES, UserError
from pixvox_registry.draws import Draws
from pixvox_zoo.border import parse, read_recipe
from pixvox_zoo.parameter_groups import undecayed_of
from pixvox_zoo.refit import refit
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.synchronised_norm import SynchronisedNorm, synchronise

TOGETHER = "objectives.clusters"


@pytest.mark.parametrize(
    ("name", "overrides", "words"),
    [
        ("simclr", ["objectives.contrast.target=momentum"], "no momentum encoder"),
        (
            "swav",
            [f"{TOGETHER}.cluster_on=features", f"{TOGETHER}.queue=64"],
            "its queue keeps embeddings",
        ),
        ("autoencoder", ["views={name: volume_positions}"], "paints pictures of one size"),
        ("swav", ["freeze={clusters.clustring: {until: 0.1}}"], "there is no such part"),
    ],
)
def test_misfits_are_refused(name: str, overrides: list[str], words: str, at_work: Any) -> None:
    with pytest.raises(UserError, match=words):
        Stepper(at_work(read_recipe(name, overrides), 2)[0])


def test_only_what_has_a_momentum_encoder_publishes_one(at_work: Any) -> None:
    with pytest.raises(UserError, match="publish is 'momentum'"):
        read_recipe("simclr", ["publish=momentum"])
    with pytest.raises(UserError, match="publish is 'teacher'"):
        read_recipe("byol", ["publish=teacher"])
    wiring, _ = at_work(read_recipe("dino"), 2)
    assert wiring.published is wiring.teacher["backbone"]
    assert "publish" not in read_recipe("byol").decisive()


def test_a_decoder_sees_the_mask_whatever_the_stream(at_work: Any) -> None:
    losses = []
    for overrides in ([], ["objectives.patches.stream=pooled"]):
        wiring, feed = at_work(read_recipe("simmim", overrides), 2)
        torch.manual_seed(0)
        losses.append(wiring(feed.at(0), feed.draws_at(0)).detach())
    assert torch.equal(*losses)


def test_a_shared_clustering_moves_once_a_step(at_work: Any) -> None:
    part = {"name": "centering", "settings": {"prototypes": 4}}
    loss = {"name": "swapped_prediction"}
    head = {"projector": {"name": "mlp", "settings": {"hidden": [], "out": 8}}, "loss": loss}
    centres = []
    for second in ({}, {"b": {**head, "projector": "a.projector", "clustering": "a.clustering"}}):
        raw = {
            "views": {"name": "two_crops"},
            "backbone": {"name": "toy"},
            "objectives": {"a": {**head, "clustering": part}, **second},
        }
        wiring, feed = at_work(parse("shared", raw), 2)
        wiring(feed.at(0), feed.draws_at(0))
        wiring.after_step()
        centres.append(wiring.part("a", "clustering").centre)
    assert float(centres[0].abs().max()) > 0
    torch.testing.assert_close(*centres)


def test_a_refit_from_clean_images_leaves_no_case_out(at_work: Any) -> None:
    clustering = "{name: agglomerative, settings: {levels: [2, 3]}}"
    recipe = read_recipe("simclr", [f"objectives.contrast.clustering={clustering}"])
    wiring, feed = at_work(recipe, 2, batch=7)
    assert len(feed.cases) % 7
    refit(wiring, "stage", feed, 0)
    groups = wiring.part("contrast", "clustering").groups(torch.arange(len(feed.cases)))
    assert bool((groups >= 0).all())


def test_frames_and_originals_tell_of_the_case(at_work: Any) -> None:
    images = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    draws = Draws(seed=0, step=0, batch=4)
    turned, _ = at_work(read_recipe("rotation", ["views=[{name: two_crops}, {name: rotate}]"]), 2)
    assert "frame" not in turned.views.provides
    assert all(view.frame is None for view in turned.views(images, draws))
    twice = "views=[{name: distort}, {name: distort}]"
    distorted, _ = at_work(read_recipe("models_genesis", [twice]), 2)
    (view,) = distorted.views(images, draws)
    assert torch.equal(view.original, images)


def test_positions_and_relative_biases_do_not_decay(at_work: Any) -> None:
    for name, spared in (("mae", ["positions"]), ("simmim", ["relative_position_bias_table"] * 4)):
        wiring, _ = at_work(read_recipe(name), 2)
        optimizer = Stepper(wiring).optimizer
        still = next(group for group in optimizer.param_groups if not group["decays"])["params"]
        named = {id(p): key for key, p in wiring.named_parameters()}
        matrices = [named[id(p)].rpartition(".")[2] for p in still if p.ndim > 1]
        assert matrices == spared and len(undecayed_of(wiring)) == len(spared)


def test_nt_xent_does_not_push_a_case_from_its_own_past() -> None:
    z = nn.functional.normalize(torch.randn(2, 6, 8), dim=-1)
    z[1] = z[0]
    loss, pairs, index = LOSSES.build("nt_xent", temperature=0.1), [(0, 1), (1, 0)], torch.arange(6)
    others = nn.functional.normalize(torch.randn(2, 3, 8), dim=-1)
    alone = loss(z, z, pairs, queue=others, index=index, queue_index=torch.tensor([90, 91, 92]))
    queue = torch.cat([others, z[:, :2]], 1)
    cases = torch.tensor([90, 91, 92, 0, 1])
    own = loss(z, z, pairs, queue=queue, index=index, queue_index=cases)
    blind = loss(z, z, pairs, queue=queue)
    assert float(own) < float(blind)
    s = z[0] @ torch.cat([queue[0], queue[1]]).T / 0.1  # [6, 10]
    wanted = 0.0
    for b in range(6):
        batch = [(z[0, b] @ z[0, k] / 0.1).exp() * 2 for k in range(6) if k != b]
        past = [s[b, q].exp() for q in range(10) if cases[q % 5] != b]
        p = (z[0, b] @ z[0, b] / 0.1).exp()
        wanted += float(-(p / (p + sum(batch) + sum(past))).log()) / 6
    assert float(own) == pytest.approx(wanted, rel=1e-4) and float(alone) < float(blind)


def test_a_synchronised_norm_is_a_batch_norm_where_one_process_trains() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv3d(1, 4, 3), nn.BatchNorm3d(4))
    ours = nn.Sequential(nn.Conv3d(1, 4, 3), nn.BatchNorm3d(4))
    synchronise(ours)
    assert isinstance(ours[1], SynchronisedNorm) and list(ours.state_dict()) == list(
        plain.state_dict()
    )
    ours.load_state_dict(plain.state_dict())
    for training in (True, False):
        x = torch.randn(3, 1, 6, 6, 6)
        assert torch.equal(ours.train(training)(x), plain.train(training)(x))
    for key, value in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[key], value), key
