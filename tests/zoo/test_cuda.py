"""What only a GPU can show: no step of any recipe makes the host wait for the device.

But for one look: whether loss and gradient are finite, before anything is updated.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
import torch

from pixvox_registry.recipes import recipe_files
from pixvox_zoo import pretraining
from pixvox_zoo.border import read_recipe
from pixvox_zoo.devices import fabric_of
from pixvox_zoo.page import dims_of
from pixvox_zoo.plan import Leg
from pixvox_zoo.pretraining import advance
from pixvox_zoo.refit import refit
from pixvox_zoo.stepper import Stepper

WHOLE = [name for name in recipe_files() if read_recipe(name).epochs > 0]
CASES = [(name, dims) for name in WHOLE for dims in dims_of(read_recipe(name))]

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize(("name", "dims"), CASES)
def test_a_step_never_waits_for_the_device(
    name: str, dims: int, at_work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = read_recipe(name)
    wiring, feed = at_work(recipe, dims, batch=64, device="cuda")
    refit(wiring, "epoch", feed, 0)
    wiring.fill_queues((feed.at(s), feed.draws_at(s).under("queue")) for s in count())
    stepper, leg, fabric = Stepper(wiring), Leg(recipe.stages[0], 0, 9), fabric_of()
    advance(wiring, feed, stepper, leg, 0, fabric)  # what is lazy on the first call is done
    monkeypatch.setattr(pretraining, "check_finite", lambda *_: None)
    torch.cuda.set_sync_debug_mode("error")
    try:
        advance(wiring, feed, stepper, leg, 1, fabric)
    finally:
        torch.cuda.set_sync_debug_mode("default")
