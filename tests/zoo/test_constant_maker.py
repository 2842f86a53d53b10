"""The constant prediction goes through the same bench as every backbone."""

from pathlib import Path

import torch

from pixvox_benchmarks.examination import examine
from pixvox_benchmarks.grid import Pretraining, Workshop
from pixvox_benchmarks.scoring import score
from pixvox_registry import TASKS


def test_a_constant_backbone_predicts_what_train_holds_most_of(tmp_path: Path) -> None:
    asked = Pretraining(
        method="constant:prediction", task="phantom_shapes_2d", budget="tiny", seed=0
    )
    workshop = Workshop.of(asked)
    folder = workshop.maker.make(workshop.order, tmp_path / workshop.run_name)
    pretrained = workshop.maker.load(folder)
    assert not pretrained.backbone(torch.randn(2, 1, 8, 8)).pooled.any()
    task = TASKS.build(asked.task)
    for protocol in ("clustering_by_classes", "linear_probe"):
        cases = examine(protocol, task, pretrained, asked.budget, asked.seed).cases
        assert cases.arrays()["probability"].std(0).max() < 1e-3
        majority = task.cases("train").labels["class"].bincount().argmax()
        scores, _ = score(cases, ("accuracy",))
        right = (task.cases("test").labels["class"] == majority).double().mean()
        assert scores["accuracy"] == float(right)
