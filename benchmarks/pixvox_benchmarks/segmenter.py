"""Trains a decoder on a backbone's maps, with the backbone or without, and outlines scans."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import cast

import torch
from monai.inferers import sliding_window_inference
from monai.losses import DiceCELoss
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from pixvox_benchmarks.maps_decoder import LightDecoder, UNetDecoder
from pixvox_benchmarks.patch_sampler import PatchSampler, cut
from pixvox_benchmarks.tuning import Tuning, segmentation
from pixvox_registry.contracts import Backbone
from pixvox_registry.draws import generator
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.measuring import Segmentation, Trial
from pixvox_registry.scans import Scans

OVERLAP = 0.5  # of neighbouring windows
GRADIENT = 12.0  # greatest norm
DECAY = 1e-5
INERTIA = 0.99  # of the running mean of the weights, which is what is scored and kept
EVEN = 8  # sides of a patch are multiples


class Segmenter(nn.Module):
    """A backbone and a decoder; only the decoder learns if the backbone is frozen."""

    def __init__(self, backbone: nn.Module, decoder: nn.Module, *, frozen: bool) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(not frozen)
        self.decoder = decoder
        self.frozen = frozen

    def train(self, mode: bool = True) -> Segmenter:
        """A frozen backbone keeps its statistics."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, *S]`` standardised to ``[B, K, *S]``."""
        painted: Tensor = self.decoder(images, self.backbone(images).maps)
        return painted


class Lessons:
    """Training steps: Dice and cross-entropy, AdamW, gradients held down.

    Args:
        rate: highest learning rate.
    """

    def __init__(self, net: Segmenter, rate: float) -> None:
        self.net = net
        self.learning = [p for p in net.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.learning, lr=rate, weight_decay=DECAY)
        self.loss = DiceCELoss(softmax=True, to_onehot_y=True, include_background=False, batch=True)

    def learn(self, images: Tensor, masks: Tensor) -> Tensor:
        """One step on ``[B, C, *S]`` and ``[B, *S]``; the loss before it, ``[]``."""
        self.net.train()
        device = self.learning[0].device
        loss = self.loss(self.net(images.to(device)), masks[:, None].to(device))
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.learning, GRADIENT)
        self.optimizer.step()
        before: Tensor = loss.detach()
        return before


def segment(
    train: Scans, val: Scans, test: Callable[[], Scans], trial: Trial, *, frozen: bool
) -> Segmentation:
    """Train on patches, keep the best of val, then open test once.

    Raises:
        UserError: the backbone gives no maps, or takes other channels or dims.
    """
    tuning = segmentation(trial.budget, train.dims)
    pretrained = trial.pretrained
    check_fit(trial, train)
    intensity = pretrained.intensity.in_units_of(train)
    patch = patch_of(train, pretrained.image_size, fixed=bool(pretrained.backbone.patch))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(trial.seed)
        net = assembled(trial, train, patch, frozen=frozen).to(device)
        history = _fit(net, train, val, trial, tuning, intensity, patch)
    masks = tuple(outlined(net, test(), intensity, patch))
    best = max(history, key=lambda look: look["dice"])
    chosen = {"patch": list(patch), "step": best["step"], "dice": best["dice"], "looks": history}
    return Segmentation(masks, chosen)


def outlined(
    net: nn.Module, scans: Scans, intensity: Intensity, patch: tuple[int, ...]
) -> list[Tensor]:
    """Label maps ``[*S]`` uint8, by windows that overlap and count most in their middle.

    What is smaller than a patch is enlarged as patches are that reach beyond a scan.
    """
    device = next(net.parameters()).device
    net.eval()
    masks = []
    with torch.inference_mode():
        for scan in scans:
            sides = scan.image.shape[1:]
            corner = [min(side - size, 0) // 2 for side, size in zip(sides, patch, strict=True)]
            whole = cut(scan.image, corner, [*map(max, sides, patch)])
            logits = sliding_window_inference(
                intensity.standardise(whole[None]).to(device),
                patch,
                4,
                net,
                overlap=OVERLAP,
                mode="gaussian",
            )
            inside = tuple(slice(-at, side - at) for at, side in zip(corner, sides, strict=True))
            masks.append(logits.argmax(1)[0][inside].byte().cpu())
    return masks


def patch_of(train: Scans, size: int, *, fixed: bool) -> tuple[int, ...]:
    """Sides of a patch: ``size``, and no more than most scans have unless it is fixed.

    >>> from types import SimpleNamespace as Some
    >>> scans = [Some(mask=torch.zeros(35, 50, 35))]
    >>> patch_of(scans, 48, fixed=False)
    (40, 48, 40)
    """
    sides = torch.tensor([scan.mask.shape for scan in train]).median(0).values.tolist()
    if fixed:
        return (size,) * len(sides)
    return tuple(min(size, math.ceil(side / EVEN) * EVEN) for side in sides)


def mean_dice(masks: list[Tensor], scans: Scans, labels: int) -> float:
    """Over structures, of all scans together: no scan without a structure spoils it."""
    shared = torch.zeros(labels)
    both = torch.zeros(labels)
    for mask, scan in zip(masks, scans, strict=True):
        for label in range(1, labels):
            ours, theirs = mask == label, scan.mask == label
            shared[label] += (ours & theirs).sum()
            both[label] += ours.sum() + theirs.sum()
    return float((2 * shared / both.clamp(min=1))[1:].mean())


def check_fit(trial: Trial, train: Scans) -> None:
    """Refuse a backbone that cannot outline these scans.

    Raises:
        UserError: it gives no maps, or takes other channels.
    """
    wanted = len(trial.pretrained.intensity.mean)
    if wanted != train.in_channels:
        raise UserError(
            f"The backbone was made for {wanted} channels; these scans have {train.in_channels}."
        )
    if not trial.pretrained.backbone.channels:
        raise UserError("The backbone gives no maps, and a decoder needs them.")


def assembled(trial: Trial, train: Scans, patch: tuple[int, ...], *, frozen: bool) -> Segmenter:
    """A copy of the backbone with the decoder that fits it."""
    backbone = copy.deepcopy(trial.pretrained.backbone)
    seen = cast("Backbone", backbone)
    if frozen:
        light = LightDecoder(dims=train.dims, channels=seen.channels, labels=trial.labels)
        return Segmenter(backbone, light, frozen=True)
    decoder = UNetDecoder(
        dims=train.dims,
        in_channels=train.in_channels,
        channels=seen.channels,
        strides=seen.strides,
        labels=trial.labels,
        side=min(patch),
    )
    return Segmenter(backbone, decoder, frozen=False)


def _fit(
    net: Segmenter,
    train: Scans,
    val: Scans,
    trial: Trial,
    tuning: Tuning,
    intensity: Intensity,
    patch: tuple[int, ...],
) -> list[dict[str, float]]:
    """Leaves the best running mean of the weights in ``net``; its scores on val, step by step."""
    sampler = PatchSampler(
        train,
        intensity=intensity,
        patch=patch,
        labels=trial.labels,
        flips=trial.flips,
        draws=generator(trial.seed, "patches"),
    )
    lessons = Lessons(net, tuning.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        lessons.optimizer, lambda s: share(s, tuning.steps)
    )
    mean = AveragedModel(net, multi_avg_fn=_draw_nearer, use_buffers=True)
    looks = {round(tuning.steps * (look + 1) / tuning.looks) for look in range(tuning.looks)}
    history: list[dict[str, float]] = []
    highest, best = -1.0, net.state_dict()
    for step in range(1, tuning.steps + 1):
        loss = lessons.learn(*sampler.batch(tuning.batch))
        schedule.step()
        mean.update_parameters(net)
        if step in looks:
            dice = mean_dice(outlined(mean, val, intensity, patch), val, trial.labels)
            history.append({"step": step, "loss": float(loss), "dice": dice})
            trial.tell(f"step {step} of {tuning.steps}: val Dice {dice:.3f}")
            if dice > highest:
                highest = dice
                best = {k: v.clone() for k, v in mean.module.state_dict().items()}
    net.load_state_dict(best)
    return history


def _draw_nearer(means: Sequence[Tensor], now: Sequence[Tensor], count: Tensor | int) -> None:
    """One more step of running means, in place; a young mean forgets faster."""
    inertia = min(INERTIA, (1 + int(count)) / (10 + int(count)))
    for mean, latest in zip(means, now, strict=True):
        if mean.is_floating_point():
            mean.lerp_(latest, 1 - inertia)
        else:
            mean.copy_(latest)


def share(step: int, steps: int) -> float:
    """Of the highest rate: up over the first tenth, then half a cosine down.

    >>> [round(share(step, 100), 2) for step in (0, 9, 55, 100)]
    [0.1, 1.0, 0.5, 0.0]
    """
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
