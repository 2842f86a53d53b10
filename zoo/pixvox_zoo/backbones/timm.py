"""Any 2D architecture of timm, by its name and never with downloaded weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pixvox_registry import BACKBONES, BrokenPlugin, Features, UserError
from pixvox_registry.errors import suggestion
from pixvox_zoo.torchvision_mend import mend


@BACKBONES.register
class Timm(nn.Module):
    """One timm model: its pooled vector, and of each stride the last map.

    One image of zeros goes through at once, so an image size that does not fit is refused before
    anything runs.

    Args:
        architecture: as in ``timm.list_models()``, for example ``convnext_atto``.

    Raises:
        UserError: volumes, an unknown architecture, or an image size that it cannot take.
    """

    patch = None
    only_dims = 2

    def __init__(
        self, *, dims: int, in_channels: int, image_size: int, architecture: str = "resnet18"
    ) -> None:
        super().__init__()
        if dims != self.only_dims:
            raise UserError(
                f"backbone 'timm' takes images, and this source has volumes ({dims}D). Backbones "
                f"that take volumes: {', '.join(_backbones_of(dims))}."
            )
        self.architecture = architecture
        self.image_size = image_size
        self.model = _create(architecture, in_channels, image_size)
        self.has_norm = hasattr(self.model, "norm")  # where not, norm=True may be refused
        pooled, maps = self._look(in_channels)
        reductions = [stage["reduction"] for stage in self.model.feature_info][: len(maps)]
        last_of = {stride: level for level, stride in enumerate(reductions)}
        self.levels = [last_of[stride] for stride in sorted(last_of)]
        self.strides = [reductions[level] for level in self.levels]
        self.channels = [maps[level].shape[1] for level in self.levels]
        self.num_features: int = pooled.shape[1]
        self.has_tokens = self.channels[-1] == self.num_features  # else a layer follows the maps

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, H, W] -> pooled [B, D], maps``, and ``tokens [B, N, D]`` where they have D.

        Raises:
            UserError: a mask; these models see whole images.
        """
        if mask is not None:
            raise UserError(
                "backbone 'timm' cannot leave out what a mask hides. Use views without masks, or a "
                "backbone of patches."
            )
        last, maps = self.model.forward_intermediates(
            images, indices=self.levels, norm=self.has_norm
        )
        pooled = self.model.forward_head(last, pre_logits=True)
        tokens = maps[-1].flatten(2).mT if self.has_tokens else None  # [B, D, *S] -> [B, N, D]
        return Features(pooled=pooled, maps=tuple(maps), tokens=tokens)

    @torch.no_grad()
    def _look(self, in_channels: int) -> tuple[Tensor, list[Tensor]]:
        """What one image of zeros gives: pooled and all maps."""
        zeros = torch.zeros(1, in_channels, self.image_size, self.image_size)
        self.model.eval()
        try:
            last, maps = self.model.forward_intermediates(zeros, norm=self.has_norm)
            pooled = self.model.forward_head(last, pre_logits=True)
        except (AssertionError, RuntimeError, ValueError) as error:
            raise _refusal(self.architecture, self.image_size, error) from error
        self.model.train()
        return pooled, maps


def _create(architecture: str, in_channels: int, image_size: int) -> Any:
    mend()
    import timm

    if not timm.is_model(architecture):  # also keeps out hub addresses, which would be fetched
        raise UserError(
            f"timm has no architecture {architecture!r}."
            f"{suggestion(architecture, timm.list_models())} Names are those of "
            "timm.list_models(), for example resnet18, convnext_atto, vit_tiny_patch16_224."
        )
    about = timm.get_pretrained_cfg(architecture)  # None for some older names
    settings = {"img_size": image_size} if about and about.fixed_input_size else {}
    try:
        model = timm.create_model(
            architecture, pretrained=False, in_chans=in_channels, num_classes=0, **settings
        )
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _refusal(architecture, image_size, error) from error
    if not hasattr(model, "forward_intermediates"):
        raise UserError(f"timm's {architecture!r} gives no maps, which a backbone must.")
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", 1)
    side = patch if isinstance(patch, int) else patch[0]
    if image_size % side:
        raise _refusal(architecture, image_size, f"no multiple of its patch, {side} px")
    return model


def _refusal(architecture: str, image_size: int, why: object) -> UserError:
    reason = str(why).partition("\n")[0] or type(why).__name__
    return UserError(
        f"timm's {architecture!r} cannot take images of {image_size} px ({reason}). Choose a size "
        "that it takes, such as 32, 64 or 224, or a backbone for small images, such as resnet."
    )


def _backbones_of(dims: int) -> list[str]:
    """Names of the backbones that do not keep to another number of dims."""
    found = []
    for name in BACKBONES:
        try:
            backbone = BACKBONES.get(name)
        except BrokenPlugin:
            continue
        if getattr(backbone, "only_dims", dims) == dims:
            found.append(name)
    return found
