"""Memory: the most that this process has held."""

from __future__ import annotations

import resource
import sys

import torch


def peak_megabytes(device: torch.device) -> float:
    """On CUDA of its tensors; elsewhere of the whole process, libraries and cases included."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device) / 2**20)
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes there, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
