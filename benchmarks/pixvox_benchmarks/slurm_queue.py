"""Our jobs in Slurm's queue: submitted, waited for, and found again by the next coordinator."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pixvox_benchmarks.dispatch import Ending
from pixvox_benchmarks.errand import Errand
from pixvox_registry.artifacts import canonical_json, publish
from pixvox_registry.console import say
from pixvox_registry.errors import UserError

if TYPE_CHECKING:
    import submitit

POLL_SECONDS = 0.2
ALIVE = ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "PREEMPTED")


@dataclass(frozen=True)
class Requeued:
    """An errand that begins anew, under the same number, where Slurm stopped it."""

    errand: Errand

    def __call__(self) -> int:
        """The errand's exit code."""
        return self.errand()

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """What submitit asks for before it requeues; the job writes its own checkpoint."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


@dataclass(frozen=True)
class Queue:
    """What we have in the queue.

    Args:
        settle_seconds: until a shared file system shows what a job wrote last.
        gone: since when a job has been over without a word.
    """

    executor: submitit.AutoExecutor
    logs: Path
    settle_seconds: float
    gone: dict[submitit.Job[int], float] = field(default_factory=dict)

    def start(self, jobs: Sequence[Any]) -> Sequence[submitit.Job[int]]:
        """One submission for those that an earlier coordinator has not left in the queue."""
        there = {job.name: self._left_there(job) for job in jobs}
        new = [job for job in jobs if there[job.name] is None]
        submitted = iter(self._submit(new))
        return [there[job.name] or next(submitted) for job in jobs]

    def ended(
        self, running: Sequence[submitit.Job[int]]
    ) -> Iterator[tuple[submitit.Job[int], Ending]]:
        """Exit codes, or that a job is over and left none; none may have ended."""
        time.sleep(POLL_SECONDS)
        for job in running:
            ending = self._ending(job)
            if ending is not None:
                self.gone.pop(job, None)
                yield job, ending

    def stop(self, running: Sequence[submitit.Job[int]]) -> None:
        """They go on; say which."""
        if running:
            numbers = " ".join(job.job_id for job in running)
            say(f"{len(running)} jobs stay in the queue. To cancel them: scancel {numbers}")

    def _submit(self, jobs: Sequence[Any]) -> Sequence[submitit.Job[int]]:
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        if not jobs:
            return []
        try:
            with self.executor.batch():
                submitted = [
                    self.executor.submit(Requeued(Errand.of(job, self.logs))) for job in jobs
                ]
        except (FailedJobError, FailedSubmissionError) as error:
            raise UserError(f"Slurm takes no job: {' '.join(str(error).split())}") from error
        for job, ticket in zip(jobs, submitted, strict=True):
            facts = {"job_id": ticket.job_id, "words": list(job.words)}
            publish(self._note(job), canonical_json(facts))
        return submitted

    def _left_there(self, job: Any) -> submitit.Job[int] | None:
        """The same command, if Slurm still has it: two jobs cannot train in one folder."""
        import submitit

        note = self._note(job)
        if self.executor.cluster != "slurm" or not note.is_file():
            return None
        facts = json.loads(note.read_text())
        ticket: submitit.Job[int] = submitit.SlurmJob(self.executor.folder, facts["job_id"])
        if facts["words"] != list(job.words) or ticket.paths.result_pickle.exists():
            return None
        state = ticket.watcher.get_state(ticket.job_id, mode="force")
        return ticket if state.upper() in ALIVE else None

    def _note(self, job: Any) -> Path:
        return self.logs / "submitit" / "notes" / f"{job.name}.json"

    def _ending(self, job: submitit.Job[int]) -> Ending | None:
        if job.paths.result_pickle.exists():
            error = job.exception()
            return job.result() if error is None else str(error).strip().splitlines()[-1]
        if not job.done():
            return None
        since = self.gone.setdefault(job, time.monotonic())
        if time.monotonic() - since < self.settle_seconds:
            return None
        return f"job {job.job_id} was lost ({job.state})"
