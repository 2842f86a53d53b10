"""Runs jobs on a Ray cluster, or on one of its own that lives as long as the grid."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pixvox_benchmarks.dispatch import Ending, dispatch
from pixvox_benchmarks.errand import Errand
from pixvox_registry import ENGINES, UserError

if TYPE_CHECKING:
    from ray import ObjectRef

KNOCK_SECONDS = 5.0
STORE_BYTES = 100 * 2**20  # of shared memory; nothing but exit codes goes through it


@ENGINES.register
@dataclass(frozen=True, kw_only=True)
class Ray:
    """Each job is a command in a process of its own, below a Ray task that supervises it.

    On a cluster all machines see the same files at the same paths, Python included.

    Args:
        workers: how many jobs run at a time.
        logs: folder of what each job prints, ``NAME.log``.
        address: of a running cluster (``auto``, or ``HOST:PORT``); by default we start one here
            and stop it at the end.
        threads: cores that one job keeps busy; asked of a running cluster.
        gpus: what one job needs, which may be a part of one; a cluster shows a job no other.
        tries: how often a job may crash, or lose its machine, before it counts as failed.
    """

    workers: int = 1
    logs: Path = Path("logs")
    address: str = "local"
    threads: int = 1
    gpus: float = 0.0
    tries: int = 3

    def __post_init__(self) -> None:
        if find_spec("ray") is None:
            raise UserError("Engine 'ray' needs Ray: pip install 'pixvox[ray]'.")

    def __call__(self, jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
        """Run all; ``report(job, error or None)`` after each."""
        with self._cluster():
            dispatch(self, jobs, report, workers=self.workers, logs=self.logs, tries=self.tries)

    def start(self, jobs: Sequence[Any]) -> Iterator[RayTask]:
        """One task each. Trying again is ours: Ray's would not count the same."""
        import ray

        supervise = ray.remote(
            num_cpus=0 if self.address == "local" else self.threads,  # ours is for us alone
            num_gpus=self.gpus,
            max_retries=0,
        )(_supervise)
        for job in jobs:
            reference = supervise.remote(Errand.of(job, self.logs))
            yield RayTask(reference, reference.future())

    def ended(self, running: Sequence[RayTask]) -> Iterator[tuple[RayTask, Ending]]:
        """Exit codes, or what Ray says of a task that gave none."""
        # Not ray.wait: a SystemExit that a signal handler raises there ends us with 1 on the spot.
        wait([task.future for task in running], return_when=FIRST_COMPLETED)
        for task in running:
            if task.future.done():
                error = task.future.exception()
                yield task, task.future.result() if error is None else _lost(error)

    def stop(self, running: Sequence[RayTask]) -> None:
        """Supervisors tell their jobs to stop, and wait for their checkpoints."""
        import ray

        for task in running:
            ray.cancel(task.reference, force=False)
        wait([task.future for task in running], timeout=Errand.grace_seconds + 2.0)

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        """Connected to a cluster, whose signal handlers do not replace ours."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would tell its makers
        import ray

        self._knock()
        own = {"num_cpus": len(os.sched_getaffinity(0)), "object_store_memory": STORE_BYTES}
        before = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(
                address=self.address,
                include_dashboard=False if self.address == "local" else None,
                log_to_driver=False,
                logging_level="error",
                **(own if self.address == "local" else {}),
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise self._no_cluster(error) from error
        signal.signal(signal.SIGTERM, before)
        try:
            self._check_gpus(ray.cluster_resources().get("GPU", 0.0))
            yield
        finally:
            ray.shutdown()

    def _knock(self) -> None:
        """Ray itself would wait for minutes where nobody answers."""
        host, _, port = self.address.rpartition(":")
        if port.isdigit():
            try:
                socket.create_connection((host, int(port)), KNOCK_SECONDS).close()
            except OSError as error:
                raise self._no_cluster(error) from error

    def _no_cluster(self, error: Exception) -> UserError:
        said = " ".join(str(error).split()).rstrip(".")
        return UserError(
            f"Engine 'ray' finds no cluster at {self.address!r}: {said}. Start one with `ray start "
            "--head`, set RAY_AUTH_MODE=token where it wants its token, or leave the address out."
        )

    def _check_gpus(self, there: float) -> None:
        """Ray would wait for ever for a GPU that nobody has."""
        if self.address == "local" and self.gpus > there:
            raise UserError(
                f"Engine 'ray' wants {self.gpus:g} GPUs for each job; this machine has {there:g}."
            )


@dataclass(frozen=True)
class RayTask:
    """A task that supervises a job: how Ray calls it, and its exit code to come."""

    reference: ObjectRef
    future: Future[int]


def _lost(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"


def _supervise(errand: Errand) -> int:
    # Ray cancels by SIGINT, which is ignored below a shell's background jobs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return errand()
