"""Provenance: which code, environment and machine made something; no names of people or places."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "timm", "monai", "numpy", "scikit-learn", "lightning-fabric")


def provenance() -> dict[str, Any]:
    """Code, environment, hardware and the hour, as plain JSON."""
    return {
        **_fixed(),
        "threads": _threads(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@cache
def _fixed() -> dict[str, Any]:
    return {
        "pixvox": version("pixvox"),
        **_code(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "accelerator": _accelerator(),
    }


def _code() -> dict[str, str]:
    """The commit, and a digest of what differs from it; unknown outside a checkout."""
    here = Path(__file__).parent
    commit = _git(here, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": "unknown", "dirty": "unknown"}
    changes = _git(here, "diff", "HEAD", "--", ":/registry", ":/zoo", ":/benchmarks") or ""
    return {
        "commit": commit.strip(),
        "dirty": hashlib.sha256(changes.encode()).hexdigest()[:12] if changes else "",
    }


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _accelerator() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"


def _threads() -> int:
    import torch

    return torch.get_num_threads()
