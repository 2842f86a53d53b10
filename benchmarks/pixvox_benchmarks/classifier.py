"""Trains a backbone with a linear layer on classes, as MedMNIST's authors do (arXiv:2110.14795)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from pixvox_benchmarks.tuning import Supervision, classification
from pixvox_registry import METRICS
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Backbone
from pixvox_registry.draws import generator
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.measuring import Predictions, Trial

AT_ONCE = 256  # cases per forward pass where nothing is learnt


class Classifier(nn.Module):
    """A backbone and a linear layer on what it pools; both learn."""

    def __init__(self, backbone: nn.Module, classes: int) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(True)
        self.head = nn.Linear(cast("Backbone", backbone).num_features, classes)

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, *S]`` standardised to logits ``[B, K]``.

        Raises:
            UserError: the backbone pools nothing.
        """
        pooled = self.backbone(images).pooled
        if pooled is None:
            raise UserError("The backbone pools nothing, and classes need a vector per case.")
        logits: Tensor = self.head(pooled)
        return logits


def classify(
    train: Cases,
    val: Cases,
    test: Callable[[], Cases],
    trial: Trial,
    *,
    backbone: nn.Module,
    rate: float,
) -> Predictions:
    """Train all of it, keep the epoch of the best AUC on val, then open test once.

    Adam, the rate divided by ten after half and after three quarters of the epochs.

    Args:
        backbone: where training starts; a copy learns.
        rate: of Adam.

    Raises:
        UserError: the backbone takes other channels.
    """
    tuning = classification(trial.budget)
    size, intensity = trial.pretrained.image_size, trial.pretrained.intensity
    if len(intensity.mean) != train.in_channels:
        raise UserError(
            f"The backbone was made for {len(intensity.mean)} channels; these cases have "
            f"{train.in_channels}."
        )
    intensity = intensity.in_units_of(train)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    exact = torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), exact:
        torch.manual_seed(trial.seed)
        net = Classifier(copy.deepcopy(backbone), trial.labels).to(device)
        history = _fit(net, train.resized(size), val.resized(size), trial, tuning, intensity, rate)
        opened = test()
        probability = probabilities(net, opened.resized(size), intensity)
    best = max(history, key=lambda look: look["auc"])
    chosen = {"rate": rate, "epoch": best["epoch"], "auc": best["auc"], "looks": history}
    return Predictions(probability, opened.labels["class"], chosen)


def probabilities(net: Classifier, cases: Cases, intensity: Intensity) -> Tensor:
    """``[N, K]`` float64."""
    device = next(net.parameters()).device
    net.eval()
    pieces = []
    with torch.inference_mode():
        for images in cases.images.split(AT_ONCE):
            logits = net(intensity.standardise(images.to(device)))
            pieces.append(logits.double().softmax(1).cpu())
    return torch.cat(pieces)


def _fit(
    net: Classifier,
    train: Cases,
    val: Cases,
    trial: Trial,
    tuning: Supervision,
    intensity: Intensity,
    rate: float,
) -> list[dict[str, float]]:
    """Leaves the best weights in ``net``; the AUC on val after every epoch that was looked at."""
    device = next(net.parameters()).device
    epochs = tuning.epochs_of(len(train))
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    drops = [round(epochs * share) for share in tuning.drops]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, drops, gamma=0.1)
    target = train.labels["class"]
    looks = {round(epochs * (look + 1) / tuning.looks) for look in range(tuning.looks)} - {0}
    history: list[dict[str, float]] = []
    highest, best = -1.0, net.state_dict()
    for epoch in range(1, epochs + 1):
        net.train()
        order = torch.randperm(len(train), generator=generator(trial.seed, "classes", epoch))
        for rows in order.tensor_split(-(-len(train) // tuning.batch)):
            images = intensity.standardise(train.images[rows].to(device))
            loss = nn.functional.cross_entropy(net(images), target[rows].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        if epoch in looks:
            auc = _auc(probabilities(net, val, intensity), val.labels["class"])
            history.append({"epoch": epoch, "loss": float(loss.detach()), "auc": auc})
            trial.tell(f"epoch {epoch} of {epochs}: val AUC {auc:.3f}")
            if auc > highest:
                highest = auc
                best = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    net.load_state_dict(best)
    return history


def _auc(probability: Tensor, target: Tensor) -> float:
    """Of the classes that val has; where it has but one, nothing can be told apart: .5."""
    told = target.unique()
    if len(told) < 2:
        return 0.5
    if len(told) < probability.shape[1]:
        kept = probability[:, told]
        probability = kept / kept.sum(1, keepdim=True).clamp(min=1e-300)
        target = torch.searchsorted(told, target)
    score = METRICS.build("auc")(probability.numpy(), target.numpy(), np.ones((1, len(target))))
    return float(score[0])
