"""A model of another library that takes a backbone's tensors, in words and in deed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from pixvox_registry.errors import UserError

TOLERANCE = 1e-5  # of pooled features; relative where they are greater than 1
MASK_TOKEN = {"token": "stands for masked patches, and nothing is masked here"}


@dataclass(frozen=True)
class Call:
    """A function of a library with its arguments.

    >>> str(Call("timm.create_model", ("resnet18",), {"in_chans": 1}))
    "create_model('resnet18', in_chans=1)"
    """

    name: str
    arguments: tuple[Any, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self) -> Any:
        """What the function gives; random numbers that it draws are missed by nobody."""
        module, _, function = self.name.rpartition(".")
        with torch.random.fork_rng(devices=[]):
            return getattr(import_module(module), function)(*self.arguments, **self.settings)

    def __str__(self) -> str:
        """As a line of Python has it, after :attr:`imported`."""
        said = [*map(repr, self.arguments), *(f"{k}={v!r}" for k, v in self.settings.items())]
        return f"{self.name.rpartition('.')[2]}({', '.join(said)})"

    @property
    def imported(self) -> str:
        """The line that brings the function."""
        module, _, function = self.name.rpartition(".")
        return f"from {module} import {function}"


@dataclass(frozen=True)
class Line:
    """Lines of Python for a stranger, and a function of ours that does the same."""

    words: str
    deed: Callable[..., Any]


WHOLE = Line("", lambda model: model)
ITSELF = Line("pooled = model(images)", lambda model, part, images: model(images))


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """How a model of another library becomes a backbone.

    Args:
        call: builds the model.
        tensors: its state dict, or that of a part.
        changes: made to the model before it takes the tensors.
        part: what of the model takes them; its words name it ``encoder``.
        reading: ``(model, part, images [B, C, *S]) -> pooled [B, D]``; images are standardised.
        left_out: tensors of the backbone that have no place there, and why.
    """

    call: Call
    tensors: Mapping[str, Tensor]
    changes: tuple[Line, ...] = ()
    part: Line = WHOLE
    reading: Line = ITSELF
    left_out: Mapping[str, str] = field(default_factory=dict)

    def code(self, file: str) -> list[str]:
        """Lines of Python that rebuild the model from the file of its tensors."""
        steps = [line.words for line in (*self.changes, self.part) if line.words]
        return [
            "import torch",
            "from safetensors.torch import load_file",
            self.call.imported,
            "",
            f"model = {self.call}",
            *(word for step in steps for word in step.splitlines()),
            f"{'encoder' if self.part.words else 'model'}.load_state_dict("
            f"load_file({file!r}), strict=True)",
            "model.eval()",
        ]

    def pooled(self, images: Tensor) -> Tensor:
        """Build the model, load it strictly, and read it: ``[B, C, *S] -> [B, D]``.

        Raises:
            UserError: the library builds another model than the one that was meant.
        """
        model: nn.Module = self.call()
        for change in self.changes:
            change.deed(model)
        part = self.part.deed(model)
        try:
            part.load_state_dict(dict(self.tensors), strict=True)
        except RuntimeError as error:
            raise UserError(
                f"{self.call} of the installed version does not take these tensors: {error}"
            ) from None
        model.eval().to(images.dtype)
        with torch.inference_mode():
            read: Tensor = self.reading.deed(model, part, images)
        return read


def difference(ours: Tensor, theirs: Tensor, tolerance: float, what: str) -> float:
    """The largest one between two ``[B, D]``.

    Raises:
        UserError: they are not alike, or of two shapes.
    """
    if ours.shape != theirs.shape:
        raise UserError(
            f"{what} gives features {list(theirs.shape)} where the backbone gives "
            f"{list(ours.shape)}; nothing was written."
        )
    largest = float((ours - theirs).abs().max())
    if not largest <= tolerance * max(1.0, float(ours.abs().max())):
        raise UserError(
            f"{what} gives other features than the backbone, by {largest:.1e} where {tolerance:g} "
            "is allowed; nothing was written."
        )
    return largest
