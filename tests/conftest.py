"""What every test may rely on: one thread, its own cache, real data where it stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Small tensors gain nothing from threads, and lose much where cores are busy.

    The variable is for the processes that tests start.
    """
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXVOX_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def real_data() -> Path:
    """The folder of real datasets; the test is skipped, visibly, where there is none."""
    root = os.environ.get("PIXVOX_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("PIXVOX_DATA names no folder of real data")
    return Path(root)
