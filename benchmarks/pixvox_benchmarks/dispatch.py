"""What every engine does alike: so many jobs at a time, a crash tried again, an end reported."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from pixvox_benchmarks.life import WRONG_INPUT, last_words
from pixvox_registry.errors import RESUME_ME

Handle = TypeVar("Handle", bound=Hashable)  # of an attempt that runs somewhere
Ending: TypeAlias = int | str  # an exit code, or why nobody saw one


class Crew(Protocol[Handle]):
    """Where an engine's jobs run."""

    def start(self, jobs: Sequence[Any]) -> Iterable[Handle]:
        """A handle per job, in their order."""
        ...

    def ended(self, running: Sequence[Handle]) -> Iterable[tuple[Handle, Ending]]:
        """Wait until some have ended, and say how."""
        ...

    def stop(self, running: Sequence[Handle]) -> None:
        """We leave before these have ended."""
        ...


def dispatch(
    crew: Crew[Handle],
    jobs: Sequence[Any],
    report: Callable[[Any, str | None], None],
    *,
    workers: int,
    logs: Path,
    tries: int,
) -> None:
    """Run all; ``report(job, error or None)`` after each.

    A job that crashes is tried again; one that says UserError would say it again; one that was
    told to stop and left with 75 goes on, which is no further try.

    Args:
        workers: attempts that run at a time.
        logs: folder of what each job prints.
        tries: how often a job may crash before it counts as failed.
    """
    waiting = deque((job, 1) for job in jobs)
    running: dict[Handle, tuple[Any, int]] = {}
    logs.mkdir(parents=True, exist_ok=True)
    try:
        while waiting or running:
            free = min(len(waiting), workers - len(running))
            taken = [waiting.popleft() for _ in range(free)]
            if taken:
                handles = crew.start([job for job, _ in taken])
                for handle, attempt in zip(handles, taken, strict=True):
                    running[handle] = attempt
            for handle, ending in crew.ended(list(running)):
                job, number = running.pop(handle)
                if ending == RESUME_ME:
                    waiting.append((job, number))
                elif ending not in (0, WRONG_INPUT) and number < tries:
                    waiting.append((job, number + 1))
                else:
                    report(job, _error(ending, number, log_of(logs, job)))
    finally:
        crew.stop(list(running))


def log_of(logs: Path, job: Any) -> Path:
    """The file of all that a job prints, whichever try it is."""
    return logs / f"{job.name}.log"


def _error(ending: Ending, number: int, log: Path) -> str | None:
    if ending == 0:
        return None
    why = ending if isinstance(ending, str) else last_words(log, ending)
    tried = "" if number == 1 else f" ({number} tries)"
    return f"{why}{tried}; see {log}"
