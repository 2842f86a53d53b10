"""Every recipe of the zoo: it is whole, it trains in 2D and in 3D, and it has a card."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
import torch

from pixvox_registry import UserError
from pixvox_registry.recipes import recipe_files
from pixvox_zoo.border import read_recipe
from pixvox_zoo.feed import Feed
from pixvox_zoo.page import dims_of
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.refit import refit
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

STILL = {"swav": "clustering", "dino": "clustering"}  # what the first steps freeze
CLUSTERINGS = {  # and what sets how many clusters there are
    "sinkhorn_prototypes": "prototypes",
    "centering": "prototypes",
    "kmeans_bank": "clusters",
}
WHOLE = [
    name
    for name in recipe_files()
    if read_recipe(name).epochs > 0 and dims_of(read_recipe(name)) == (2, 3)
]


@pytest.fixture
def take_steps(at_work: Any) -> Callable[[Recipe, int], tuple[Wiring, Feed, set[str]]]:
    """``take_steps(recipe, dims)``: the method, its cases, and the paths of what moved."""
    return lambda recipe, dims: steps_of(*at_work(recipe, dims))


def steps_of(wiring: Wiring, feed: Feed) -> tuple[Wiring, Feed, set[str]]:
    """Two steps, for behind a branch that starts at zero nothing moves in the first."""
    before = {path: p.detach().clone() for path, p in wiring.parts.named_parameters()}
    stepper = Stepper(wiring)
    with warnings.catch_warnings():  # eight cases cannot fill the prototypes
        warnings.filterwarnings("ignore", message="sinkhorn_prototypes")
        refit(wiring, "epoch", feed, 0)
        wiring.fill_queues((feed.at(s), feed.draws_at(s).under("queue")) for s in count())
        for step in range(2):
            loss = wiring(feed.at(step), feed.draws_at(step))
            stepper.optimizer.zero_grad()
            loss.backward()
            assert stepper.update(step, 0.0).isfinite()
            stepper.optimizer.step()
            wiring.after_step()
            assert loss.isfinite()
    after = dict(wiring.parts.named_parameters())
    assert all(parameter.isfinite().all() for parameter in after.values())
    moved = {path for path, p in after.items() if (p - before[path]).abs().max() > 1e-7}
    return wiring, feed, moved


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", WHOLE)
def test_a_recipe_takes_its_first_steps(name: str, dims: int, take_steps: Any) -> None:
    wiring, _, moved = take_steps(read_recipe(name), dims)
    still = STILL.get(name, "nothing")
    for path, _ in wiring.parts.named_parameters():
        assert (path in moved) is (f"/{still}." not in path), path


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", ["swav", "dino", "deepcluster_v2"])
@pytest.mark.parametrize(("clustering", "few"), CLUSTERINGS.items())
def test_a_clustering_is_swapped_in_one_line(
    name: str, clustering: str, few: str, dims: int, take_steps: Any
) -> None:
    part = "objectives.clusters.clustering"
    line = f"{part}={{name: {clustering}, settings: {{{few}: 4}}}}"
    recipe = read_recipe(name, [line])
    wiring, _, moved = take_steps(recipe, dims)
    assert wiring.refit_of("clusters") == ("epoch" if clustering == "kmeans_bank" else None)
    still = "/clustering." if recipe.stages[0].freeze else "nothing"
    for path, _ in wiring.parts.named_parameters():
        assert (path in moved) is (still not in path), path


TWO = {(0, 1), (1, 0)}  # (target view, online view)
MULTI = {local: {(g, v) for g in range(2) for v in range(2 + local) if v != g} for local in (2, 4)}
WIRED = {  # the target's kind, the pairs, is there a predictor, the queue
    "simclr": ("same", TWO, False, 0),
    "dcl": ("same", TWO, False, 0),
    "moco_v2": ("momentum", TWO, False, 1024),
    "moco_v3": ("momentum", TWO, True, 0),
    "nnclr": ("detached", TWO, True, 1024),
    "byol": ("momentum", TWO, True, 0),
    "simsiam": ("detached", TWO, True, 0),
    "barlow_twins": ("same", TWO, False, 0),
    "vicreg": ("same", TWO, False, 0),
    "swav": ("same", MULTI[4], False, 0),
    "deepcluster_v2": ("same", TWO, False, 0),
    "dino": ("momentum", MULTI[2], False, 0),
}


@pytest.mark.filterwarnings("ignore:sinkhorn_prototypes")
@pytest.mark.parametrize("name", WIRED)
def test_a_method_of_views_is_wired_as_its_paper_says(name: str, take_steps: Any) -> None:
    kind, pairs, predicts, queue = WIRED[name]
    wiring, feed, _ = take_steps(read_recipe(name), 2)
    batch, draws = feed.at(0), feed.draws_at(0)
    ((path, signals),) = wiring._signals_of(batch, wiring.views(batch.images, draws))
    objective = wiring.objectives[path]
    assert wiring.target_of(objective) == kind
    assert signals.target is not None and signals.online is not None
    assert signals.online.requires_grad
    assert signals.target.requires_grad is (kind == "same")
    assert (signals.target is signals.online) is (kind == "same" and pairs is TWO)
    assert set(signals.pairs) == pairs
    assert (objective.predictor is not None) is predicts
    assert objective.queue == queue
    assert bool(wiring.teacher) is (kind == "momentum")
    assert not any("predictor" in path for path in wiring.teacher)
    if signals.assignments is not None:
        assert not signals.assignments.requires_grad


SENT = {"vicreg": 1, "simclr": 2, "byol": 2, "moco_v2": 3, "deepcluster_v2": 3, "mae": 0}


@pytest.mark.parametrize("name", SENT)
def test_ranks_send_only_what_is_named(
    name: str, take_steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embeddings once where both branches are one; else both; cases for queues and clusterings."""
    wiring, feed, _ = take_steps(read_recipe(name), 2)
    sent: list[torch.Size] = []

    def gather(x: torch.Tensor | None, dim: int = 1) -> torch.Tensor | None:
        sent.extend([] if x is None else [x.shape])
        return x

    monkeypatch.setattr("pixvox_zoo.wiring.gather", gather)
    batch = feed.at(0)
    wiring.loss_of(batch, wiring.views(batch.images, feed.draws_at(0)))
    assert len(sent) == SENT[name], sent


@pytest.mark.filterwarnings("ignore:sinkhorn_prototypes")
@pytest.mark.parametrize("name", ["swav", "dino", "deepcluster_v2"])
def test_clusters_are_scored_in_single_precision_under_autocast(name: str, take_steps: Any) -> None:
    wiring, feed, _ = take_steps(read_recipe(name), 2)
    batch = feed.at(0)
    views = wiring.views(batch.images, feed.draws_at(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ((_, signals),) = wiring._signals_of(batch, views)
    assert signals.scores is not None and signals.scores.dtype == torch.float32
    assert signals.assignments is not None and signals.assignments.dtype == torch.float32


def test_masked_methods_hide_what_their_papers_hide() -> None:
    mae, simmim = (read_recipe(name) for name in ("mae", "simmim"))
    (mae_loss,), (simmim_loss,) = (
        [o.loss.settings for o in r.stages[0].objectives.values() if o.loss] for r in (mae, simmim)
    )
    assert mae.views[0].settings == {"share": 0.75}
    assert mae_loss == {"distance": "l2", "per_patch": True}
    assert simmim.views[0].settings["share"] == 0.6
    assert simmim_loss == {"distance": "l1", "per_patch": True}


@pytest.mark.parametrize("name", list(recipe_files()))
def test_every_override_that_a_card_quotes_is_taken(name: str, take_steps: Any) -> None:
    card = recipe_files()[name].with_name("card.md").read_text()
    for quoted in re.findall(r"`--set ([^`]+)`", card):
        parts = [text.strip().strip("\"'") for text in quoted.split("--set")]
        take_steps(read_recipe(name, parts), 2)


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("mae", "views={name: plain}", "'masked_decoder' needs mask"),
        ("autoencoder", "views={name: multi_crop}", "pictures of one size"),
        ("mae", "backbone={name: swin, settings: {masking: token}}", "Take vit, or linear_decoder"),
    ],
)
def test_a_decoder_that_does_not_fit_is_refused(
    name: str, line: str, said: str, take_steps: Any
) -> None:
    with pytest.raises(UserError, match=said):
        take_steps(read_recipe(name, [line]), 2)


@pytest.mark.parametrize("name", list(recipe_files()))
def test_a_recipe_has_a_title_a_family_and_a_card(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.title != name and recipe.family
    card = recipe_files()[name].with_name("card.md").read_text()
    assert card.startswith(f"# {recipe.title}\n")
    idea, *_ = card.partition("\n\n")[2].partition("\n\n")
    assert len(re.findall(r"[.:](?=\s|$)", idea)) >= 3, "an idea in three sentences"
    wanted = ["**Ours:**", "**Cost:**", "**Command:**", "**Measured:**"]
    wanted += ["**Paper:**", recipe.paper] if recipe.paper else []
    assert [words for words in wanted if words not in card] == []
    assert f"pixvox pretrain {name} " in card
