"""Checkpoints: safetensors for tensors, JSON for the rest, verified before use, never pickle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pixvox_registry.artifacts import canonical_json, digest, publish_folder
from pixvox_registry.console import say
from pixvox_registry.errors import UserError

KEEP = 2


def save(folder: Path, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Publish ``step-N/`` in one step and keep the newest two.

    Raises:
        UserError: a floating tensor holds NaN or Inf, or the disk is full; nothing partial stays.
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise UserError(f"{name} holds NaN or Inf at step {step}; such a state is not saved.")

    def fill(place: Path) -> None:
        # Clones: safetensors refuses tensors that share storage, and views of a larger one.
        own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        save_file(own, place / "tensors.safetensors")
        (place / "state.json").write_bytes(canonical_json({"step": step, **state}))
        manifest = {file.name: digest(file) for file in sorted(place.iterdir())}
        (place / "manifest.json").write_bytes(canonical_json(manifest))

    try:
        publish_folder(folder / f"step-{step:09d}", fill)
    except OSError as error:
        raise UserError(
            f"The checkpoint of step {step} cannot be written to {folder}: {error.strerror}. "
            "The one before it stands."
        ) from error
    for old in _steps(folder)[:-KEEP]:
        shutil.rmtree(old)


def newest(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The newest valid checkpoint, or None where there never was one.

    A damaged one is set aside under the name ``damaged-...`` with a message, and the one before is
    used.

    Raises:
        UserError: there are checkpoints and none of them is valid.
    """
    steps = _steps(folder)
    for place in reversed(steps):
        fault = _fault(place)
        if fault is None:
            state: dict[str, Any] = json.loads((place / "state.json").read_text())
            return load_file(place / "tensors.safetensors"), state
        aside = place.with_name(f"damaged-{place.name}")
        shutil.rmtree(aside, ignore_errors=True)
        place.rename(aside)
        say(f"{place} is damaged ({fault}); set aside as {aside.name}, the one before is used.")
    if steps or any(folder.glob("damaged-*")):
        raise UserError(
            f"No checkpoint in {folder} is valid. Remove the folder of the run to start anew."
        )
    return None


def split_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's state as named tensors and plain numbers."""
    state = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, held in state["state"].items():
        for name, content in held.items():
            where = tensors if isinstance(content, Tensor) else numbers
            where[f"optimizer/{index}/{name}"] = content
    return tensors, numbers


def join_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]
) -> None:
    """Put back what ``split_optimizer`` took apart; the groups are the new optimizer's own."""
    held: dict[int, dict[str, Any]] = {}
    for path, content in {**tensors, **numbers}.items():
        if path.startswith("optimizer/"):
            _, index, name = path.split("/")
            held.setdefault(int(index), {})[name] = content
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": held, "param_groups": groups})


def _steps(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"))


def _fault(place: Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    try:
        manifest = json.loads((place / "manifest.json").read_text())
        for name in ("state.json", "tensors.safetensors"):
            if digest(place / name) != manifest[name]:
                return f"{name} has another sha256"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def remove(folder: Path) -> None:
    """Checkpoints of a finished run: its weights are all that is left to keep."""
    shutil.rmtree(folder, ignore_errors=True)
