"""Reporting: the progress bar, ``log.jsonl`` and ``curves.png`` of a run."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor

from pixvox_registry.console import progress, say
from pixvox_zoo import curves
from pixvox_zoo.feed import Feed
from pixvox_zoo.health import CASES, examine, occupancy, spread
from pixvox_zoo.memory import peak_megabytes
from pixvox_zoo.run_folder import Log
from pixvox_zoo.trackers import Trackers
from pixvox_zoo.wiring import Wiring

# A health check of every short epoch would cost more than training: at most ten reports a run, and
# one looks at no more than an eighth of the cases seen since the last (2 % of the run's time).
REPORTS = 10
OF_BATCHES = ("embedding_std", "occupancy")  # seen while training; the rest is looked at anew
SHARE = 8


class Reporter:
    """Watches a run and writes what it sees; it never changes the run.

    Args:
        total: steps of the run, of ``batches`` batches each.
        trackers: are told every line of the log too.
        first: is this rank 0? The others see their share alone, and write nothing.
    """

    def __init__(
        self,
        out: Path,
        feed: Feed,
        *,
        total: int,
        quiet: bool,
        batches: int = 1,
        trackers: Trackers | None = None,
        first: bool = True,
    ) -> None:
        self.out = out
        self.feed = feed
        self.total = total
        self.quiet = quiet or not first
        self.first = first
        self.log = Log(out / "log.jsonl")
        self.trackers = trackers or Trackers((), out, {})
        self.batches = batches
        self.step_cases = batches * feed.batch
        epochs = max(1, -(-total * batches // (REPORTS * feed.steps_per_epoch)))
        self.every = max(1, round(epochs * feed.steps_per_epoch / batches))
        self.cases = min(CASES, max(64, self.every * self.step_cases // SHARE))
        self._bar = progress(quiet=self.quiet)

    def __enter__(self) -> Reporter:
        self._progress = self._bar.__enter__()
        self._task = self._progress.add_task("pretraining", total=self.total)
        self._begun = time.monotonic()
        self._start = 0
        self._spent = 0.0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.__exit__(kind, error, trace)
        self.trackers.close()

    @property
    def wall_seconds(self) -> float:
        """Of the whole run so far, with the processes before this one."""
        return self._spent + time.monotonic() - self._begun

    def resume(self, step: int, spent: float) -> None:
        """Go on from a step that cost ``spent`` seconds; the log forgets what came after it."""
        if self.first:
            self.log.rewind(step)
            self.trackers.begin(self.log.lines())
        self._spent = spent
        self._start = step
        self._begun = time.monotonic()  # how long trackers take to start is no cost of the run
        self._progress.update(self._task, completed=step)

    def step(self, step: int, loss: Tensor, wiring: Wiring, lr: float) -> None:
        """After each step; at the end of some epochs it looks at the health too."""
        if not self.first:
            return
        now = time.monotonic()
        speed = (step - self._start) * self.step_cases / max(1e-9, now - self._begun)
        if step % self.every and step != self.total:
            if not self.quiet:
                self._progress.update(self._task, completed=step)
            return
        line: dict[str, Any] = {
            "step": step,
            "epoch": step * self.batches / self.feed.steps_per_epoch,
            "seen": step * self.step_cases,
            "loss": float(loss.detach()),
            "lr": lr,
            "images_per_second": round(speed, 1),
            **{f"loss/{name}": float(x.detach()) for name, x in wiring.losses.items()},
            **self.health(wiring),
        }
        self.log.write(line)
        self.trackers.write(line)
        note = f"loss {line['loss']:.3f}, {speed:,.0f} images/s, RankMe {line['rankme']:.1f}"
        self._progress.update(self._task, completed=step, description=note)
        if not self.quiet and self._progress.disable:
            say(f"step {step} of {self.total}: {note}")

    def health(self, wiring: Wiring) -> dict[str, float]:
        """Spread and occupancy of the last batch, the worst objective's; what ``examine`` sees."""
        traces = wiring.traces.values()
        projected = [t for name, t in wiring.traces.items() if wiring.objectives[name].projector]
        embeddings = [spread(trace.target.flatten(0, 1)) for trace in projected]
        filled = [occupancy(t.assignments) for t in traces if t.assignments is not None]
        return {
            **examine(wiring.published, self.feed, self.cases),
            **({"embedding_std": min(embeddings)} if embeddings else {}),
            **({"occupancy": min(filled)} if filled else {}),
        }

    def cost(self) -> dict[str, float]:
        """Seconds of the run, cases per second, and the most memory that it held."""
        seconds = max(1e-9, self.wall_seconds)
        return {
            "wall_seconds": round(seconds, 3),
            "images_per_second": round(self.total * self.step_cases / seconds, 1),
            "peak_memory_mb": round(peak_megabytes(self.feed.device), 1),
        }

    def curves(self) -> dict[str, list[Any]]:
        """What was reported, by quantity."""
        return curves.columns(self.log.lines())

    def finish(self, wiring: Wiring) -> dict[str, float]:
        """Draw the curves and give the last health figures."""
        lines = self.log.lines()
        if lines:
            curves.draw(
                lines,
                f"{wiring.recipe.title}, {self.step_cases} cases a step",
                self.out / "curves.png",
            )
        last = {name: lines[-1][name] for name in OF_BATCHES if lines and name in lines[-1]}
        return {**last, **examine(wiring.published, self.feed)}
