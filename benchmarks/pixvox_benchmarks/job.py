"""One job, from its JSON: ``python -m pixvox_benchmarks.job '{"kind": "measure", ...}'``."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, get_type_hints

from pixvox_benchmarks.jobs import KINDS
from pixvox_benchmarks.life import end_of_input, live
from pixvox_registry.errors import UserError


def parse(text: str) -> Callable[[], None]:
    """The job that ``jobs.words`` spelt.

    Raises:
        UserError: it is none.
    """
    try:
        facts = json.loads(text)
        job: Callable[[], None] = _build(KINDS[facts.pop("kind")], facts)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise UserError(
            f"A job is one JSON object with a kind ({', '.join(KINDS)}) and its fields; {text!r} "
            f"came, which is none: {type(error).__name__}: {error}."
        ) from None
    return job


def _build(kind: Any, facts: Mapping[str, Any]) -> Any:
    """A dataclass from plain JSON, and those within it."""
    hints = get_type_hints(kind)
    return kind(
        **{
            name: _build(hints[name], value) if is_dataclass(hints[name]) else value
            for name, value in facts.items()
        }
    )


if __name__ == "__main__":
    # Slurm may send submitit's signal to every process; submitit's own passes it on as SIGTERM.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    live(lambda: parse(" ".join(sys.argv[1:]))(), until=end_of_input)
