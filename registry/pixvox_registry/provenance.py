"""Provenance: which code, environment and machine made something; no names of people or places."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOMS = ("--", ":/registry", ":/zoo", ":/benchmarks")  # what decides a number
NOTHING = hashlib.sha256().hexdigest()
_stated: dict[str, str] = {}

PACKAGES = ("torch", "timm", "monai", "numpy", "scikit-learn", "lightning-fabric")


def provenance() -> dict[str, Any]:
    """Code, environment, hardware and the hour, as plain JSON."""
    return {
        **_fixed(),
        "threads": _threads(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def state_code(found: Mapping[str, str]) -> None:
    """Say this code from now on: a job runs what its coordinator imported, not what lies there."""
    _stated.update(found)


@cache
def code() -> Mapping[str, str]:
    """The commit, and a digest of what differs from it; unknown outside a checkout of ours."""
    here = Path(__file__).parent
    commit = _git(here, "rev-parse", "HEAD")
    if commit is None or _git(here, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return {"commit": "unknown", "dirty": "unknown"}
    new = _git(here, "ls-files", "-z", "--others", "--exclude-standard", "--full-name", *ROOMS)
    root = Path((_git(here, "rev-parse", "--show-toplevel") or "").strip())
    changes = hashlib.sha256((_git(here, "diff", "HEAD", *ROOMS) or "").encode())
    for name in sorted(filter(None, (new or "").split("\0"))):
        changes.update(name.encode() + b"\0" + (root / name).read_bytes())
    dirty = changes.hexdigest()
    return {"commit": commit.strip(), "dirty": "" if dirty == NOTHING else dirty[:12]}


@cache
def _fixed() -> dict[str, Any]:
    return {
        "pixvox": version("pixvox"),
        **(_stated or code()),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "accelerator": _accelerator(),
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
