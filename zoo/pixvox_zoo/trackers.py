"""Trackers: the numbers of ``log.jsonl`` in TensorBoard, W&B and others, through mmengine."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pixvox_registry.artifacts import canonical_json
from pixvox_registry.console import say
from pixvox_registry.errors import UserError, unknown

BACKENDS = {  # a tracker, which is also its package: its class among mmengine's VISBACKENDS
    "tensorboard": "TensorboardVisBackend",
    "wandb": "WandbVisBackend",
    "mlflow": "MLflowVisBackend",
    "clearml": "ClearMLVisBackend",
    "neptune": "NeptuneVisBackend",
    "aim": "AimVisBackend",
    "dvclive": "DVCLiveVisBackend",
}
EXTRAS = {"tensorboard": "pixvox[track]"}


def trackers_of(asked: str | Sequence[str]) -> list[str]:
    """Names of trackers, each once, from a list or from ``tensorboard,wandb``.

    Raises:
        UserError: an unknown name, or a package that is missing.
    """
    texts = [asked] if isinstance(asked, str) else asked
    names = list(dict.fromkeys(name.strip() for text in texts for name in text.split(",")))
    for name in names:
        if name not in BACKENDS:
            raise unknown("tracker", name, BACKENDS)
        if find_spec(name) is None:
            wanted = EXTRAS.get(name, name)
            raise UserError(f"Tracker {name!r} needs the package {name!r}: pip install '{wanted}'.")
    if names:
        _backends()
    return names


class Trackers:
    """Tells trackers every line of the log; whatever befalls one of them, the run goes on.

    Args:
        out: folder of the run; what a tracker keeps here goes to ``out/tracks/NAME`` (ClearML and
            Neptune choose another place).
        identity: of the run, shown as its settings.
    """

    def __init__(self, names: Iterable[str], out: Path, identity: Mapping[str, Any]) -> None:
        self.names = list(names)
        self.out = out
        self.identity: dict[str, Any] = json.loads(canonical_json(identity))
        self._open: dict[str, Any] = {}

    def begin(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Open a new track with the lines so far.

        A resumed run tells its whole log anew, in place of what the process before it left in
        ``tracks``: that may hold lines behind the checkpoint, and lack some that were never sent.
        """
        for name in self.names:
            self._try(name, partial(self._begin, name))
        for line in lines:
            self.write(line)

    def write(self, line: Mapping[str, Any]) -> None:
        """Send one line, by its ``step``."""
        numbers = {_plain(name): number for name, number in line.items() if name != "step"}
        for name, backend in list(self._open.items()):
            self._try(name, partial(backend.add_scalars, numbers, step=line["step"]))

    def close(self) -> None:
        """Send what still waits."""
        for name, backend in list(self._open.items()):
            self._try(name, backend.close)
        self._open.clear()

    def _begin(self, name: str) -> None:
        folder = self.out / "tracks" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        kind = getattr(_backends(), BACKENDS[name])
        backend = kind(save_dir=str(folder), **_settings(name, folder, self.out, self.identity))
        if name == "wandb":  # whose add_config would upload each Python file of the working folder
            backend.experiment.define_metric("*", step_metric="seen")  # it is told no step
        else:
            from mmengine.config import Config

            backend.add_config(Config({**self.identity, "work_dir": str(folder)}))
        self._open[name] = backend

    def _try(self, name: str, act: Callable[[], Any]) -> None:
        try:
            act()
        except Exception as error:
            say(f"Tracker {name!r} is left out: {type(error).__name__}: {error}")
            self._open.pop(name, None)


def _settings(name: str, folder: Path, out: Path, identity: Mapping[str, Any]) -> dict[str, Any]:
    """What mmengine's class gets: the run's name, and ``folder`` where it would write elsewhere."""
    run = out.resolve().name
    server = os.environ.get("MLFLOW_TRACKING_URI")  # mmengine would not ask for it
    project = {"project_name": "pixvox", "task_name": run, "reuse_last_task_id": False}
    settings: dict[str, dict[str, Any]] = {
        "wandb": {"init_kwargs": {"project": "pixvox", "name": run, "config": dict(identity)}},
        "mlflow": {
            "exp_name": "pixvox",
            "run_name": run,
            "tracking_uri": server or f"sqlite:///{folder.resolve()}/mlflow.db",
            "artifact_location": None if server else str(folder.resolve() / "artifacts"),
            "artifact_suffix": (),  # of work_dir, it would take all
        },
        "clearml": {"init_kwargs": project},
        "aim": {"init_kwargs": {"repo": str(folder), "experiment": run}},
        "dvclive": {
            "init_kwargs": {"save_dvc_exp": False, "dvcyaml": str(folder / "dvc.yaml")},
            "artifact_suffix": (),
        },
    }
    return settings.get(name, {})


def _plain(name: str) -> str:
    """``loss/clusters`` as ``loss_of/clusters``: no name may also be a folder of names.

    MLflow and Neptune, which keep ``a/b`` below ``a``, take no ``loss/clusters`` beside ``loss``.
    """
    return f"loss_of/{name.removeprefix('loss/')}" if name.startswith("loss/") else name


def _backends() -> Any:
    """mmengine's module, which brings torch and OpenCV and so is imported only when asked for."""
    try:
        import mmengine.visualization
    except ImportError as error:
        raise UserError(
            f"Trackers need mmengine.visualization, which cannot be imported: {error}. Where "
            "libGL.so.1 is missing, pip install opencv-python-headless in place of opencv-python."
        ) from None
    return mmengine.visualization
