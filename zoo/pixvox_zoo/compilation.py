"""Compilation: torch.compile for the backbone's steps, and for nothing that only looks at it."""

from __future__ import annotations

import os
import shutil
import sysconfig
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pixvox_registry.contracts import Features
from pixvox_registry.errors import UserError
from pixvox_zoo.wiring import Wiring


def check_compiler() -> None:
    """Refuse before the first step, for torch would only ask for a compiler in its midst.

    Raises:
        UserError: no C++ compiler (``g++``, or what ``CXX`` names), or no headers of Python.
    """
    compiler = os.environ.get("CXX", "g++")
    if not shutil.which(compiler):
        raise UserError(
            f"--compile needs a C++ compiler, and there is no {compiler!r} here. Install g++, let "
            "CXX name another, or leave --compile out."
        )
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if not header.is_file():
        raise UserError(
            f"--compile needs the headers of Python, and there is no {header}. Install python-dev "
            "(python3-devel), or leave --compile out."
        )


def compile_backbones(wiring: Wiring) -> None:
    """Compile the forward pass of the backbone and of its momentum copy, in place.

    Names of parameters stay as they are: it is the ``forward`` that changes, not the module.
    """
    for branch in (wiring.parts, wiring.teacher):
        if "backbone" in branch:
            _compile(branch["backbone"])


def _compile(backbone: nn.Module) -> None:
    """A step takes the compiled forward: in training mode, and with gradient if it learns.

    Health checks and the golden output come in other modes and sizes. Each would cost many seconds
    of compiling, and torch leaves off at the eighth.
    """
    eager = backbone.forward
    # What is chosen by timing kernels, or by the sizes met so far, is another after a resume.
    fast = torch.compile(eager, dynamic=False, options={"deterministic": True})
    learns = any(parameter.requires_grad for parameter in backbone.parameters())

    @wraps(eager)
    def forward(*arguments: Any, **named: Any) -> Features:
        is_step = backbone.training and torch.is_grad_enabled() == learns
        features: Features = (fast if is_step else eager)(*arguments, **named)
        return features

    backbone.forward = forward
