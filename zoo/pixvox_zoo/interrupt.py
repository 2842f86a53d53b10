"""Interrupt: SIGTERM and SIGUSR1 ask for a checkpoint at the next step and exit code 75."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, NoReturn

from pixvox_registry.console import say
from pixvox_registry.errors import RESUME_ME
from pixvox_zoo.ranks import rank

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Interrupt:
    """While it is entered, a request to stop is remembered rather than obeyed at once.

    A run that ends first still leaves with 75, so that nothing is begun after it.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._remember) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.requested and kind is None:
            self.leave("The run has ended, and as it was told to stop nothing follows it.")

    def leave(self, farewell: str) -> NoReturn:
        """Say where the run stands and exit; once, for all ranks.

        The others exit with 0: at any other code Fabric kills rank 0, and its own is lost.
        """
        if rank() > 0:
            raise SystemExit(0)
        say(farewell)
        raise SystemExit(RESUME_ME)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
