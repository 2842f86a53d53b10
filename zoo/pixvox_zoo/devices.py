"""Devices: how many processes train, on what, and in which precision."""

from __future__ import annotations

import torch
from lightning_fabric import Fabric

from pixvox_registry.errors import UserError, unknown

ACCELERATORS = ("auto", "cpu", "cuda", "gpu")
# 16-mixed would need a GradScaler, which the loop has not; 64-true would change no parameter.
PRECISIONS = ("32-true", "bf16-mixed")


def fabric_of(devices: int = 1, accelerator: str = "auto", precision: str | None = None) -> Fabric:
    """A Fabric that is not launched yet.

    Args:
        precision: by default bf16 on CUDA and 32 bits elsewhere.

    Raises:
        UserError: a name that does not exist, or devices that are not here.
    """
    if accelerator not in ACCELERATORS:
        raise unknown("accelerator", accelerator, ACCELERATORS)
    if precision is not None and precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    if devices < 1:
        raise UserError(f"Devices are processes that train together: 1 or more, not {devices}.")
    there = torch.cuda.device_count() if accelerator != "cpu" else 0
    if accelerator in ("cuda", "gpu") and not there:
        raise UserError(
            f"Accelerator {accelerator!r} wants a CUDA device; there is none. Take cpu."
        )
    if there and devices > there:
        raise UserError(f"{devices} devices are wanted and {there} are here; ask for no more.")
    if there:  # a run that was killed ends with the same bits as one that was not
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
    return Fabric(
        accelerator=accelerator,
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision=precision or default_precision(accelerator),  # type: ignore[arg-type]
    )


def default_precision(accelerator: str) -> str:
    """bf16 where CUDA will run it, 32 bits elsewhere."""
    on_cuda = accelerator != "cpu" and torch.cuda.is_available()
    return "bf16-mixed" if on_cuda else "32-true"
