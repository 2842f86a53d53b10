"""Toy parts, lent to the registries: the smallest of each kind, without BatchNorm or randomness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import pixvox_zoo
from pixvox_registry import BACKBONES, CLUSTERING, DECODERS, HEADS, LOSSES, VIEWS
from pixvox_registry.contracts import Features, View
from pixvox_registry.draws import Draws
from pixvox_registry.intensity import Intensity
from pixvox_registry.source_spec import build_source
from pixvox_zoo import weights
from pixvox_zoo.assembly import assemble
from pixvox_zoo.composition import Facts
from pixvox_zoo.feed import Feed
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.wiring import Wiring

AtWork = Callable[..., tuple[Wiring, Feed]]


FEW_CHANNELS = "backbone={name: conv_encoder, settings: {channels: 8, stages: 2, features: 24}}"


class Tiny(nn.Module):
    patch = None

    def __init__(self, *, dims: int, in_channels: int, features: int = 8) -> None:
        super().__init__()
        self.num_features, self.channels, self.strides = features, (features,), (2,)
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        self.body = conv(in_channels, features, 3, stride=2, padding=1)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        last = self.body(images).tanh()
        return Features(last.flatten(2).mean(-1), (last,), last.flatten(2).mT)


class Noisy:
    def __init__(self, *, dims: int, local: int = 0) -> None:
        self.dims, self.local, self.num_targets, self.provides = dims, local, 2, ()

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        views = [View(images + 0.3 * draws.normal(f"toy/{v}", *images.shape[1:])) for v in range(2)]
        small = images[(..., *[slice(0, s // 2) for s in images.shape[2:]])]
        return views + [View(small * (v + 1), role="online") for v in range(self.local)]


class Linear(nn.Module):
    def __init__(self, num_features: int, *, out: int = 6) -> None:
        super().__init__()
        self.num_outputs = out
        self.layer = nn.Linear(num_features, out)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Agree(nn.Module):
    """Towards half of the target: no symmetry leaves a parameter without gradient."""

    def forward(self, online: Tensor, target: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
        return sum((online[v] - target[g] / 2).square().mean() for g, v in pairs) / len(pairs)


class Contrast(nn.Module):
    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, online: Tensor, target: Tensor, queue: Tensor) -> Tensor:
        keys = F.normalize(torch.cat([target[1], queue[1]]), dim=-1)
        logits = F.normalize(online[0], dim=-1) @ keys.T / self.temperature
        return F.cross_entropy(logits, torch.arange(len(logits)))


class Follow(nn.Module):
    def forward(self, scores: Tensor, assignments: Tensor) -> Tensor:
        return -(assignments[:, :1] * scores.log_softmax(-1)).sum(-1).mean()


class Restore(nn.Module):
    def forward(self, prediction: Tensor, original: Tensor) -> Tensor:
        return (prediction - original).square().mean()


class Means(nn.Module):
    """Prototypes with gradient, and a bank whose first rows become centroids."""

    def __init__(self, num_features: int, *, prototypes: int = 3) -> None:
        super().__init__()
        self.num_clusters = prototypes
        self.prototypes = nn.Parameter(torch.randn(prototypes, num_features))
        self.register_buffer("updates", torch.zeros(()))
        self.register_buffer("seen", torch.zeros(()))

    def scores(self, z: Tensor) -> Tensor:
        return (z @ self.prototypes.T)[None]

    def assign(self, z: Tensor, index: Tensor, queue: Tensor | None) -> Tensor:
        return self.scores(z).softmax(-1)

    def groups(self, index: Tensor) -> Tensor:
        return index[None] % 2

    def update(self, z: Tensor) -> None:
        self.updates += 1

    def refit(self, bank: Tensor, filled: Tensor) -> None:
        self.seen.copy_(filled.sum())
        self.prototypes.data.copy_(bank[0][filled][: self.num_clusters])


class Paint(nn.Module):
    def __init__(self, num_features: int, *, dims: int, in_channels: int, image_size: int) -> None:
        super().__init__()
        self.shape = (in_channels, *[image_size] * dims)
        self.layer = nn.Linear(num_features, in_channels * image_size**dims)

    def forward(self, embedding: Tensor) -> Tensor:
        return self.layer(embedding).unflatten(-1, self.shape)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Folders of untrained weights in 2D and in 3D, 24 features of images of 16 pixels."""
    root = tmp_path_factory.mktemp("untrained")
    for dims in (2, 3):
        pixvox_zoo.pretrain(
            "random_init",
            f"phantoms:shapes_{dims}d,count=16",
            root / str(dims),
            overrides=[FEW_CHANNELS],
            image_size=16,
            quiet=True,
        )
    return {dims: root / str(dims) / "weights" for dims in (2, 3)}


@pytest.fixture
def at_work() -> AtWork:
    """``at_work(recipe, dims, batch=8, device="cpu")``: its first stage, and a feed of phantoms."""

    def build(
        recipe: Recipe, dims: int, *, batch: int = 8, device: str = "cpu"
    ) -> tuple[Wiring, Feed]:
        cases = build_source(f"phantoms:shapes_{dims}d,count=160").cases("train").resized(28)
        feed = Feed(cases, Intensity.of(cases), batch=batch, seed=0, device=device)
        facts = Facts(
            dims=dims,
            in_channels=1,
            image_size=28,
            width=0.25,
            flips=(0,),
            num_classes=int(cases.labels["class"].max()) + 1,
            rows={"pooled": len(cases), "slices": len(cases) * len(feed.slices)},
        )
        wiring = Wiring(recipe, facts)
        wiring.begin_stage(recipe.stages[0])
        return wiring.to(device), feed

    return build


@pytest.fixture
def publish_weights() -> Callable[..., Path]:
    """``publish_weights(folder, backbone, channels=1, dims=2)``: weights that learnt nothing."""

    def publish(
        folder: Path,
        name: str,
        *,
        channels: int = 1,
        dims: int = 2,
        side: int = 28,
        shown: Any = None,
        change: Callable[[dict[str, Tensor]], object] = lambda tensors: None,
    ) -> Path:
        """Random weights with statistics of their own, so that nothing is 0 or 1 by chance."""
        side = 32 if name == "swin" else side
        facts = {
            "dims": dims,
            "in_channels": channels,
            "image_size": side,
            "width": 0.25,
            "stem": "imagenet",
        }
        torch.manual_seed(0)
        backbone = assemble(BACKBONES, name, {}, facts)
        for tensor in backbone.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.05 * torch.rand_like(tensor))
        change(backbone.state_dict())
        card = {
            "name": name,
            "backbone": {"name": name, "settings": {}},
            "facts": facts,
            "image_size": side,
            "intensity": {
                "mean": [3.0] * channels,
                "std": [2.0] * channels,
                "value_range": [0, 255],
            },
            "recipe": {"title": "Nothing", "sha256": "0" * 64},
            "data": {"dataset": "none"},
        }
        return weights.save(folder / "weights", backbone, card, shown)

    return publish


@pytest.fixture(autouse=True)
def toys() -> Iterator[None]:
    lent: list[tuple[Any, str, Any]] = [
        (BACKBONES, "toy", Tiny),
        (VIEWS, "toy", Noisy),
        (HEADS, "toy", Linear),
        (LOSSES, "toy_agree", Agree),
        (LOSSES, "toy_contrast", Contrast),
        (LOSSES, "toy_follow", Follow),
        (LOSSES, "toy_restore", Restore),
        (CLUSTERING, "toy", Means),
        (DECODERS, "toy", Paint),
    ]
    with ExitStack() as stack:
        for registry, name, factory in lent:
            stack.enter_context(registry.lend(name, factory))
        yield
