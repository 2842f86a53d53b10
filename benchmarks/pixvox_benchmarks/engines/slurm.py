"""Submits jobs to Slurm through submitit (github.com/facebookincubator/submitit)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pixvox_benchmarks.dispatch import dispatch
from pixvox_benchmarks.slurm_queue import Queue
from pixvox_registry import ENGINES, UserError

if TYPE_CHECKING:
    import submitit

REQUEUES = 100  # of a job that ran into its time limit: each goes on from a checkpoint


@ENGINES.register
@dataclass(frozen=True, kw_only=True)
class Slurm:
    """Each job is a command in a process of its own, below a Slurm job that supervises it.

    All machines see the same files at the same paths, Python included. Jobs that are free to start
    together are one array. What was submitted goes on in the queue when we are gone, and the next
    coordinator waits for it. A job that is preempted, or at its time limit, is requeued and goes on
    from its checkpoint.

    Args:
        workers: how many jobs are in the queue at a time.
        logs: folder of what each job prints, ``NAME.log``; Slurm's own files are in ``submitit``.
        partition, account, qos, constraint: as ``sbatch`` takes them; empty is the cluster's own.
        minutes: time limit of one job.
        threads: cores of one job.
        gpus: of one job.
        memory_gb: of one job; 0 is the cluster's own.
        tries: how often a job may crash, or lose its machine, before it counts as failed.
        settle_seconds: until a shared file system shows what a job wrote last.
        cluster: ``slurm``, or ``local``, submitit's imitation on this machine.
    """

    workers: int = 1
    logs: Path = Path("logs")
    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    minutes: int = 240
    threads: int = 1
    gpus: int = 0
    memory_gb: float = 0.0
    tries: int = 3
    settle_seconds: float = 10.0
    cluster: str = "slurm"

    def __post_init__(self) -> None:
        if self.cluster not in ("slurm", "local"):
            raise ValueError(f"cluster is slurm or local, not {self.cluster!r}")
        if find_spec("submitit") is None:
            raise UserError("Engine 'slurm' needs submitit: pip install 'pixvox[slurm]'.")

    def __call__(self, jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
        """Run all; ``report(job, error or None)`` after each."""
        crew = Queue(self._executor(), self.logs, self.settle_seconds)
        dispatch(crew, jobs, report, workers=self.workers, logs=self.logs, tries=self.tries)

    def _executor(self) -> submitit.AutoExecutor:
        import submitit

        try:
            executor = submitit.AutoExecutor(
                self.logs / "submitit",
                cluster=self.cluster,
                slurm_max_num_timeout=REQUEUES,
                local_max_num_timeout=REQUEUES,
            )
        except RuntimeError as error:
            raise UserError(f"Engine 'slurm' finds no Slurm on this machine: {error}") from error
        asked = {
            "name": "pixvox",
            "timeout_min": self.minutes,
            "cpus_per_task": self.threads,
            "gpus_per_node": self.gpus,
            "mem_gb": self.memory_gb,
            "slurm_array_parallelism": self.workers,
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "slurm_qos": self.qos,
            "slurm_constraint": self.constraint,
        }
        executor.update_parameters(**{name: value for name, value in asked.items() if value})
        return executor
