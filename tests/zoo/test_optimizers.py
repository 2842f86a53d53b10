"""Optimizers: their formulas as loops, who decays, and states that come back."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from pixvox_registry import OPTIMIZERS
from pixvox_zoo.parameter_groups import parameter_groups


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2))


def train(module: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        x = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        module(x).square().mean().backward()
        optimizer.step()


def build(name: str, module: nn.Module, weight_decay: float = 0.1) -> torch.optim.Optimizer:
    groups = parameter_groups(module.named_parameters(), weight_decay=weight_decay)
    optimizer = OPTIMIZERS.build(name, groups, lr=0.1)
    assert isinstance(optimizer, torch.optim.Optimizer)
    return optimizer


def test_matrices_and_kernels_decay_and_nothing_else() -> None:
    module = model()
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    decayed, plain = parameter_groups(module.named_parameters(), weight_decay=0.3)
    assert [names[id(p)] for p in decayed["params"]] == ["0.weight", "3.weight"]
    assert [names[id(p)] for p in plain["params"]] == ["0.bias", "1.weight", "1.bias", "3.bias"]
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.3, 0.0)
    assert (decayed["adapt"], plain["adapt"]) == (True, False)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_decay_alone_shrinks_weights_and_spares_vectors(name: str) -> None:
    module = model()
    before = {key: value.detach().clone() for key, value in module.named_parameters()}
    optimizer = build(name, module)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for key, value in module.named_parameters():
        if before[key].ndim > 1:
            assert float(value.detach().norm()) < float(before[key].norm())
        else:
            assert torch.equal(value, before[key])


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_restored_state_goes_on_with_the_same_bits(name: str) -> None:
    whole, cut = model(), model()
    train(whole, build(name, whole), range(6))
    first = build(name, cut)
    train(cut, first, range(3))
    second = build(name, cut)
    second.load_state_dict(first.state_dict())
    train(cut, second, range(3, 6))
    for a, b in zip(whole.state_dict().values(), cut.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_part_that_thaws_moves_as_if_it_began_then(name: str) -> None:
    early, late, alone = (nn.Parameter(torch.ones(2, 2)) for _ in range(3))
    together, apart = (OPTIMIZERS.build(name, held, lr=0.1) for held in ([early, late], [alone]))
    for step in range(1, 6):
        early.grad = torch.full((2, 2), 0.1 * step)
        if step >= 3:
            late.grad, alone.grad = (torch.full((2, 2), 0.2 * step) for _ in range(2))
            apart.step()
        together.step()
        assert torch.equal(late, alone)
    assert not torch.equal(late.detach(), torch.ones(2, 2))


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_is_its_formula(nesterov: bool) -> None:
    w = nn.Parameter(torch.tensor([[1.0, -2.0]]))
    groups = parameter_groups([("w", w)], weight_decay=0.5)
    optimizer = OPTIMIZERS.build("sgd", groups, lr=0.1, momentum=0.8, nesterov=nesterov)
    x, v = [1.0, -2.0], [0.0, 0.0]
    for step in range(4):
        w.grad = torch.tensor([[0.3, 0.1 * step]])
        optimizer.step()
        for i, slope in enumerate((0.3, 0.1 * step)):
            g = slope + 0.5 * x[i]
            v[i] = 0.8 * v[i] + g
            x[i] -= 0.1 * (g + 0.8 * v[i] if nesterov else v[i])
    assert w.detach()[0].tolist() == pytest.approx(x, rel=1e-5)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam_is_its_formula(name: str) -> None:
    w = nn.Parameter(torch.tensor([[1.5]]))
    groups = parameter_groups([("w", w)], weight_decay=0.2)
    optimizer = OPTIMIZERS.build(name, groups, lr=0.1, betas=(0.8, 0.9))
    x, m, v = 1.5, 0.0, 0.0
    for step in range(1, 5):
        w.grad = torch.tensor([[0.3 * step]])
        optimizer.step()
        g = 0.3 * step + (0.2 * x if name == "adam" else 0.0)
        x -= 0.1 * 0.2 * x if name == "adamw" else 0.0
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g * g
        x -= 0.1 * (m / (1 - 0.8**step)) / (math.sqrt(v / (1 - 0.9**step)) + 1e-8)
    assert float(w.detach()) == pytest.approx(x, rel=1e-5)


def test_lars_is_its_formula() -> None:
    matrix, vector = nn.Parameter(torch.tensor([[3.0, 4.0]])), nn.Parameter(torch.tensor([2.0]))
    groups = parameter_groups([("m", matrix), ("v", vector)], weight_decay=0.5)
    optimizer = OPTIMIZERS.build("lars", groups, lr=0.1, momentum=0.9, trust=0.01)
    x, v = [3.0, 4.0], [0.0, 0.0]
    y, u = 2.0, 0.0
    for step in range(1, 4):
        g = [0.6 * step, -0.8]
        matrix.grad, vector.grad = torch.tensor([g]), torch.tensor([0.7])
        optimizer.step()
        rate = 0.01 * math.hypot(*x) / (math.hypot(*g) + 0.5 * math.hypot(*x))
        for i in range(2):
            v[i] = 0.9 * v[i] + rate * (g[i] + 0.5 * x[i])
        x = [x[i] - 0.1 * v[i] for i in range(2)]
        u = 0.9 * u + 0.7  # a vector is neither adapted nor decayed
        y -= 0.1 * u
    assert matrix.detach()[0].tolist() == pytest.approx(x, rel=1e-5)
    assert float(vector.detach()) == pytest.approx(y, rel=1e-5)


def test_lars_moves_what_starts_at_zero() -> None:
    weight = nn.Parameter(torch.zeros(2, 2))
    optimizer = OPTIMIZERS.build("lars", [weight], lr=0.1)
    weight.grad = torch.ones(2, 2)
    optimizer.step()
    assert torch.equal(weight.detach(), torch.full((2, 2), -0.1))
