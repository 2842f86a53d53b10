"""A backbone built anew from what its card says, and with what it chose for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from pixvox_registry import BACKBONES, Registry
from pixvox_registry.draws import key
from pixvox_registry.errors import UserError
from pixvox_zoo.assembly import assemble

PLAIN = (bool, int, float, str)


def fresh(named: Mapping[str, Any], facts: Mapping[str, Any], seed: int) -> nn.Module:
    """The backbone of a card, untrained.

    Args:
        named: ``name`` and ``settings``.

    Raises:
        UserError: it does not exist, or is not built with these settings and facts.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key(seed, "fresh"))
        try:
            built: nn.Module = assemble(BACKBONES, named["name"], named["settings"], facts)
        except UserError:
            raise
        except Exception as error:  # a card may say anything, and constructors trust what they get
            raise UserError(
                f"backbone {named['name']!r} is not built with {dict(named['settings'])} for "
                f"{dict(facts)}: {type(error).__name__} {error!s:.200}"
            ) from error
    return built


def settled(named: Mapping[str, Any], built: nn.Module) -> tuple[dict[str, Any], list[str]]:
    """Name and settings of a backbone with those that it chose itself; and these in words.

    A setting that is None was left to the backbone, which may decide by the image's side: a patch,
    a number of stages. What it took is read where it keeps it, under the setting's own name; of a
    list of modules that is how many. What a backbone is made of (``parts``) is asked as well.
    """
    whole = {"name": named["name"], "settings": deepcopy(dict(named["settings"]))}
    return whole, [*_settle(BACKBONES, whole, built)]


def _settle(registry: Registry[Any], named: dict[str, Any], built: nn.Module) -> Iterator[str]:
    """Fill in what was left open, and tell of each."""
    name, said = named["name"], named.setdefault("settings", {})
    known = registry.names_of_settings(name)
    for setting, parameter in known.items():
        chosen = _plain(getattr(built, setting, None))
        if parameter.default is None and said.get(setting) is None and chosen is not None:
            said[setting] = chosen
            yield f"{setting} {chosen}"
    parts: Mapping[str, Registry[Any]] = getattr(registry.get(name), "parts", {})
    for setting, kinds in parts.items():
        part = deepcopy(dict(said.get(setting, known[setting].default)))
        kind = kinds.get(part["name"])
        inside = next((module for module in built.modules() if type(module) is kind), None)
        told = [*_settle(kinds, part, inside)] if inside is not None else []
        if told:
            said[setting] = part
            yield from (f"{setting} {line}" for line in told)


def _plain(value: Any) -> Any:
    """As a recipe could say it; None where it could not."""
    if isinstance(value, nn.ModuleList):
        return len(value)
    if isinstance(value, list | tuple) and all(type(one) in PLAIN for one in value):
        return list(value)
    return value if type(value) in PLAIN else None
