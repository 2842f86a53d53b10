"""Assembly: a plugin from its settings and from what the data decide."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter
from typing import Any

from pixvox_registry import Registry
from pixvox_registry.errors import UserError


def assemble(
    registry: Registry[Any], name: str, settings: Mapping[str, Any], facts: Mapping[str, Any]
) -> Any:
    """A plugin with its settings and those facts that its signature names.

    Raises:
        UserError: a setting that it does not have, or one that it needs and nobody gave.
    """
    registry.check_settings(name, settings)
    accepted = registry.names_of_settings(name)
    given = {key: facts[key] for key in accepted if key in facts} | dict(settings)
    for key, parameter in accepted.items():
        if key not in given and parameter.default is Parameter.empty:
            raise UserError(f"{registry.kind} {name!r} needs the setting {key!r}; give it.")
    return registry.build(name, **given)
