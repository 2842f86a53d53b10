"""What only a GPU can show: no step of any recipe makes the host wait for the device."""

from __future__ import annotations

from itertools import count

import pytest
import torch

from pixvox_registry.intensity import Intensity
from pixvox_registry.recipes import recipe_files
from pixvox_registry.source_spec import build_source
from pixvox_zoo.border import read_recipe
from pixvox_zoo.composition import Facts
from pixvox_zoo.feed import Feed
from pixvox_zoo.refit import refit
from pixvox_zoo.wiring import Wiring

SIZE, BATCH = 28, 64
WHOLE = [name for name in recipe_files() if read_recipe(name).epochs > 0]

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", WHOLE)
def test_a_step_never_waits_for_the_device(name: str, dims: int) -> None:
    cases = build_source(f"phantoms:shapes_{dims}d,count=160").cases("train").resized(SIZE)
    feed = Feed(cases, Intensity.of(cases.images), batch=BATCH, seed=0, device=torch.device("cuda"))
    facts = Facts(
        dims=dims,
        in_channels=1,
        image_size=SIZE,
        width=0.25,
        flips=(0,),
        num_classes=int(cases.labels["class"].max()) + 1,
        rows={"pooled": len(cases)},
    )
    wiring = Wiring(read_recipe(name), facts)
    wiring.begin_stage(wiring.recipe.stages[0])
    wiring.cuda()
    refit(wiring, "epoch", feed, 0)
    wiring.fill_queues((feed.at(s), feed.draws_at(s).under("queue")) for s in count())
    wiring(feed.at(0), feed.draws_at(0)).backward()  # what is lazy on the first call is done
    batch, draws = feed.at(1), feed.draws_at(1)
    torch.cuda.set_sync_debug_mode("error")
    try:
        wiring(batch, draws).backward()
        wiring.after_step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
