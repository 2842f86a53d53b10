"""What only a GPU can show: no step of any recipe makes the host wait for the device."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
import torch

from pixvox_registry.recipes import recipe_files
from pixvox_zoo.border import read_recipe
from pixvox_zoo.refit import refit

WHOLE = [name for name in recipe_files() if read_recipe(name).epochs > 0]

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", WHOLE)
def test_a_step_never_waits_for_the_device(name: str, dims: int, at_work: Any) -> None:
    wiring, feed = at_work(read_recipe(name), dims, batch=64, device="cuda")
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
