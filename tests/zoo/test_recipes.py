"""Every recipe of the zoo: it is whole, it trains in 2D and in 3D, and it has a card."""

from __future__ import annotations

import warnings

import pytest

from pixvox_registry.intensity import Intensity
from pixvox_registry.recipes import recipe_files
from pixvox_registry.source_spec import build_source
from pixvox_zoo.border import read_recipe
from pixvox_zoo.composition import Facts
from pixvox_zoo.feed import Feed
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.refit import refit
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

SIZE, BATCH = 28, 8
STILL = {"swav": "clustering", "dino": "clustering"}  # what the first steps freeze
CLUSTERINGS = {  # and what sets how many clusters there are
    "sinkhorn_prototypes": "prototypes",
    "centering": "prototypes",
    "kmeans_bank": "clusters",
}
WHOLE = [name for name in recipe_files() if name != "random_init"]


def feed_of(dims: int) -> Feed:
    cases = build_source(f"phantoms:shapes_{dims}d,count=60").cases("train").resized(SIZE)
    return Feed(cases, Intensity.of(cases.images), batch=BATCH, seed=0)


def take_steps(recipe: Recipe, dims: int) -> tuple[Wiring, set[str]]:
    """Two steps, for behind a branch that starts at zero nothing moves in the first.

    Returns the method, and the paths of the parameters that moved.
    """
    feed = feed_of(dims)
    facts = Facts(
        dims=dims,
        in_channels=1,
        image_size=SIZE,
        width=0.25,
        flips=(0,),
        num_classes=int(feed.labels["class"].max()) + 1,
        rows={"pooled": len(feed.cases)},
    )
    wiring = Wiring(recipe, facts)
    wiring.begin_stage(recipe.stages[0])
    before = {path: p.detach().clone() for path, p in wiring.parts.named_parameters()}
    stepper = Stepper(wiring)
    with warnings.catch_warnings():  # eight cases cannot fill the prototypes
        warnings.filterwarnings("ignore", message="sinkhorn_prototypes")
        refit(wiring, "epoch", feed, 0)
        wiring.fill_queues((feed.at(s), feed.draws_at(s)) for s in range(feed.steps_per_epoch))
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
    return wiring, moved


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", WHOLE)
def test_a_recipe_takes_its_first_steps(name: str, dims: int) -> None:
    wiring, moved = take_steps(read_recipe(name), dims)
    still = STILL.get(name, "nothing")
    for path, _ in wiring.parts.named_parameters():
        assert (path in moved) is (f"/{still}." not in path), path


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", ["swav", "dino", "deepcluster_v2"])
@pytest.mark.parametrize(("clustering", "few"), CLUSTERINGS.items())
def test_a_clustering_is_swapped_in_one_line(
    name: str, clustering: str, few: str, dims: int
) -> None:
    part = "objectives.clusters.clustering"
    line = f"{part}={{name: {clustering}, settings: {{{few}: 4}}}}"
    wiring, moved = take_steps(read_recipe(name, [line, "freeze=null"]), dims)
    assert wiring.refit_of("clusters") == ("epoch" if clustering == "kmeans_bank" else None)
    assert len(moved) == len(list(wiring.parts.parameters()))


@pytest.mark.parametrize("name", list(recipe_files()))
def test_a_recipe_has_a_title_a_family_and_a_card(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.title != name and recipe.family
    card = recipe_files()[name].with_name("card.md").read_text()
    assert card.startswith(f"# {recipe.title}\n")
    assert f"pixvox pretrain {name} " in card
    if recipe.paper:
        assert recipe.paper in card
