"""The life of a job's process, from its first line to its last words."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from pixvox_registry.errors import RESUME_ME, UserError

WRONG_INPUT, CRASHED = 2, 70  # exit codes of a job; 0 is done, RESUME_ME is told to stop
SPOKEN = "pixvox: "  # begins the last line of a job that could say why it ends


def live(job: Callable[[], object], until: Callable[[], object]) -> None:
    """Run a job in this process, which leads a group of its own, and leave with its exit code.

    Args:
        until: returns when whoever started us is gone; we and our children then end at once, for
            a rerun may be starting.
    """
    print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} process {os.getpid()}", flush=True)
    faulthandler.enable()
    threading.Thread(target=_end_after, args=(until,), daemon=True).start()
    try:
        job()
    except UserError as error:
        _leave(str(error), WRONG_INPUT)
    except SystemExit as error:
        if error.code == RESUME_ME:
            _leave("told to stop", RESUME_ME)
        _leave(f"the job called sys.exit({error.code!r})", CRASHED)
    except BaseException as error:
        traceback.print_exc()
        _leave(f"{type(error).__name__}: {error}", CRASHED)


def end_of_input() -> None:
    """Returns when whoever holds the other end of our stdin is gone."""
    while os.read(0, 1):
        continue


def last_words(log: Path, code: int) -> str:
    """Why a job ended: the signal that ended it, or its own last line."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    if lines and lines[-1].startswith(SPOKEN):
        return lines[-1].removeprefix(SPOKEN)
    return f"ended with exit code {code}"


def signal_group(leader: int, number: signal.Signals) -> bool:
    """To a process and all that it started; False where there is no such group, or none yet."""
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return False
    return True


def _end_after(until: Callable[[], object]) -> None:
    until()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _leave(words: str, code: int) -> NoReturn:
    print(SPOKEN + " ".join(words.split()), file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(code)
