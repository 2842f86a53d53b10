"""Heads: layers as written, no idle parameter, clear refusals."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pixvox_registry import HEADS, LOSSES, UserError


def test_mlp_is_linear_norm_relu_for_each_hidden_layer() -> None:
    head = HEADS.build("mlp", 6, hidden=[5, 4], out=3)
    assert [type(layer) for layer in head.layers] == [
        *(nn.Linear, nn.BatchNorm1d, nn.ReLU) * 2,
        nn.Linear,
    ]
    x = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))
    expected = x
    for linear, norm in ((head.layers[0], head.layers[1]), (head.layers[3], head.layers[4])):
        y = expected @ linear.weight.T
        y = (y - y.mean(0)) / (y.var(0, unbiased=False) + 1e-5).sqrt()
        expected = (norm.weight * y + norm.bias).clamp(min=0)
    torch.testing.assert_close(head(x), expected @ head.layers[6].weight.T)


def test_mlp_may_end_with_a_norm_and_may_be_a_single_layer() -> None:
    assert isinstance(HEADS.build("mlp", 6, out=3, last_norm=True).layers[-1], nn.BatchNorm1d)
    assert len(HEADS.build("mlp", 6, hidden=[], out=3).layers) == 1


@pytest.mark.parametrize("last_norm", [False, True])
def test_every_parameter_of_a_projector_moves_under_barlow_twins(last_norm: bool) -> None:
    """A last bias would not: the loss standardises it away, and Adam would chase its rounding."""
    torch.manual_seed(0)
    head = HEADS.build("mlp", 6, hidden=[5], out=3, last_norm=last_norm)
    z = head(torch.randn(16, 6)).unflatten(0, (2, 8))
    LOSSES.build("barlow_twins")(z, z, [(0, 1)]).backward()
    assert all(float(p.grad.abs().max()) > 1e-4 for p in head.parameters())


def test_linear_has_as_many_outputs_as_classes_unless_told_otherwise() -> None:
    assert HEADS.build("linear", 6, num_classes=4).num_outputs == 4
    assert HEADS.build("linear", 6, num_classes=4, out=2)(torch.zeros(3, 6)).shape == (3, 2)
    with pytest.raises(UserError, match="needs out, or cases with classes"):
        HEADS.build("linear", 6)


def test_a_predictor_gives_back_the_width_it_takes() -> None:
    head = HEADS.build("predictor", 6, hidden=4)
    assert head.num_outputs == 6 and head(torch.randn(5, 6)).shape == (5, 6)
    assert head.layers[0].out_features == 4


def test_prototypes_are_cosines_and_come_back_to_unit_length() -> None:
    torch.manual_seed(0)
    head, x = HEADS.build("prototypes", 6, out=3), torch.randn(2, 5, 6)
    with torch.no_grad():
        head.directions *= 4
        expected = torch.cosine_similarity(x.unsqueeze(-2), head.directions, dim=-1)
        torch.testing.assert_close(head(x), expected)
        head.renormalise()
        torch.testing.assert_close(head.directions.norm(dim=1), torch.ones(3))
        torch.testing.assert_close(head(x), expected)
