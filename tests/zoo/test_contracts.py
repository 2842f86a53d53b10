"""What every backbone, head, loss and optimizer promises, whoever brings it."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pixvox_registry import BACKBONES, HEADS, LOSSES, OPTIMIZERS, UserError
from pixvox_zoo.assembly import assemble
from pixvox_zoo.parameter_groups import parameter_groups
from pixvox_zoo.signals import Signals, call, names_of

SIZE = 32
VIEWS, BATCH, WIDTH, CLUSTERS = 2, 6, 8, 3
SOFT_LABELS = {"position_contrast"}  # losses whose labels are a share for each target view
NEEDS_QUEUE = {"nearest_neighbour"}
KEYWORDS_ONLY = (inspect.Parameter.KEYWORD_ONLY,)


def facts(dims: int) -> dict[str, Any]:
    sizes = {"dims": dims, "in_channels": 1, "image_size": SIZE, "width": 0.25}
    return {**sizes, "num_features": WIDTH, "num_classes": CLUSTERS}


def backbone_of(name: str, dims: int) -> nn.Module:
    try:
        backbone = assemble(BACKBONES, name, {}, facts(dims))
    except UserError as refusal:
        assert f"{dims}D" in str(refusal)
        pytest.skip(f"{name} refuses {dims}D in a sentence")
    assert isinstance(backbone, nn.Module)
    return backbone


def signals(*, decoded: bool = False) -> Signals:
    """One of everything that a loss may name; whatever has a gradient asks for it."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return Signals(
        online=normal(VIEWS, BATCH, WIDTH).requires_grad_(),
        target=normal(VIEWS, BATCH, WIDTH),
        pairs=[(0, 1), (1, 0)],
        index=torch.arange(BATCH),
        scores=normal(1, VIEWS, BATCH, CLUSTERS).requires_grad_(),
        assignments=normal(1, VIEWS, BATCH, CLUSTERS).softmax(-1),
        groups=torch.arange(2 * BATCH).unflatten(0, (2, BATCH)) % CLUSTERS,
        queue=normal(VIEWS, 5, WIDTH),
        queue_groups=torch.zeros(2, 5, dtype=torch.long),
        prediction=normal(VIEWS, BATCH, 1, 4, 4).requires_grad_(),
        original=normal(VIEWS, BATCH, 1, 4, 4),
        mask=normal(VIEWS, BATCH, *[2, 2] * decoded) > 0,
        labels=torch.arange(VIEWS * BATCH).unflatten(0, (VIEWS, BATCH)) % CLUSTERS,
        frame=torch.eye(2, 3).expand(VIEWS, BATCH, 2, 3),
    )


def asks_for_queue(loss: str) -> bool:
    return "queue" in names_of(LOSSES.get(loss))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", list(BACKBONES))
def test_a_backbone_gives_the_features_it_promises(name: str, dims: int) -> None:
    torch.manual_seed(0)
    backbone: Any = backbone_of(name, dims)
    features = backbone(torch.randn(2, 1, *[SIZE] * dims))
    assert features.pooled.shape == (2, backbone.num_features)
    assert list(backbone.strides) == sorted(set(backbone.strides))  # fine to coarse, one of each
    shapes = [m.shape for m in features.maps]
    assert shapes == [
        (2, channels, *[-(-SIZE // stride)] * dims)
        for channels, stride in zip(backbone.channels, backbone.strides, strict=True)
    ]
    if features.tokens is not None:
        assert features.tokens.shape[::2] == (2, backbone.num_features)
    streams = [features.pooled, *features.maps, features.tokens, features.slices]
    assert all(x.isfinite().all() for x in streams if x is not None)
    features.pooled.square().sum().backward()
    idle = {key for key, p in backbone.named_parameters() if p.grad is None}
    assert idle <= {"token"}  # which stands for what a mask hides, and here is none


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", list(BACKBONES))
def test_a_backbone_is_a_function_of_its_seed_and_can_be_stored(name: str, dims: int) -> None:
    torch.manual_seed(0)
    first = backbone_of(name, dims)
    torch.manual_seed(0)
    again = backbone_of(name, dims).state_dict()
    for key, value in first.state_dict().items():
        assert torch.equal(value, again[key]), key
        assert value.is_contiguous(), key  # safetensors refuses other layouts


@pytest.mark.parametrize("name", list(BACKBONES))
def test_a_backbone_without_patches_refuses_masks(name: str) -> None:
    backbone: Any = backbone_of(name, 2)
    if backbone.patch is None:
        with pytest.raises(UserError, match=f"{name!r} cannot"):
            backbone(torch.zeros(2, 1, SIZE, SIZE), torch.zeros(2, 4, 4, dtype=torch.bool))


@pytest.mark.parametrize("name", list(HEADS))
def test_a_head_has_the_outputs_it_promises(name: str) -> None:
    head: Any = assemble(HEADS, name, {}, facts(2))
    z = head(torch.randn(BATCH, WIDTH, generator=torch.Generator().manual_seed(0)))
    assert z.shape == (BATCH, head.num_outputs) and z.isfinite().all()


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_loss_is_a_finite_scalar_with_a_gradient_and_no_state(name: str) -> None:
    loss: Any = assemble(LOSSES, name, {}, facts(2))
    assert not loss.state_dict()
    given = signals(decoded="prediction" in names_of(loss))
    if name in SOFT_LABELS:
        given.labels = torch.rand(VIEWS, BATCH, VIEWS, generator=torch.Generator().manual_seed(0))
    value = call(loss, given)
    assert value.shape == () and bool(value.detach().isfinite())
    assert float(call(loss, given).detach()) == float(value.detach())
    value.backward()
    learned = [getattr(given, s) for s in names_of(loss) if hasattr(given, s)]
    slopes = [x.grad for x in learned if isinstance(x, Tensor) and x.grad is not None]
    assert slopes and all(slope.isfinite().all() and slope.any() for slope in slopes)


@pytest.mark.parametrize(
    ("name", "queued"),
    [
        (name, queued)
        for name in LOSSES
        for queued in (False, True)
        if queued <= asks_for_queue(name)
    ],
)
def test_a_loss_has_the_gradient_it_claims(name: str, queued: bool) -> None:
    loss: Any = assemble(LOSSES, name, {}, facts(2))
    asked = names_of(loss)
    given = signals(decoded="prediction" in asked)
    if name in SOFT_LABELS:
        given.labels = torch.rand(VIEWS, BATCH, VIEWS, generator=torch.Generator().manual_seed(0))
    if not queued and name not in NEEDS_QUEUE:
        given.queue = given.queue_groups = None
    for field, x in vars(given).items():
        if isinstance(x, Tensor) and x.is_floating_point():
            setattr(given, field, x.detach().double().requires_grad_(x.requires_grad))
    learned = [f for f in asked if getattr(getattr(given, f, None), "requires_grad", False)]

    def value(*inputs: Tensor) -> Tensor:
        return call(loss, replace(given, **dict(zip(learned, inputs, strict=True))))

    assert torch.autograd.gradcheck(value, [getattr(given, field) for field in learned])


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_an_optimizer_descends_and_leaves_alone_what_has_no_gradient(name: str) -> None:
    torch.manual_seed(0)
    moving, still = nn.Parameter(torch.randn(4, 4)), nn.Parameter(torch.ones(4))
    groups = parameter_groups([("moving", moving), ("still", still)], weight_decay=1e-4)
    optimizer: Any = OPTIMIZERS.build(name, groups, lr=0.01)
    assert isinstance(optimizer, torch.optim.Optimizer)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = moving.square().sum()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
    assert torch.equal(still.detach(), torch.ones(4))


@pytest.mark.parametrize("registry", [BACKBONES, HEADS, LOSSES], ids=lambda r: r.kind)
def test_settings_are_keywords(registry: Any) -> None:
    for name in registry:
        _, *settings = registry.names_of_settings(name).values() or [None]
        assert all(s.kind in KEYWORDS_ONLY for s in settings), name
