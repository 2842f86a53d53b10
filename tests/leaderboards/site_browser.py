"""Headless Chromium driven over two pipes by the DevTools protocol; no driver, no network."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0  # seconds; the machine may be busy


class Browser:
    """One page. ``complaints`` collects what its console says and what it throws."""

    def __init__(self, ask: int, hear: int) -> None:
        self.ask, self.hear, self.number, self.rest = ask, hear, 0, b""
        self.complaints: list[str] = []
        self.loads = 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = ""
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def open(self, page: Path, after: str = "") -> None:
        """Load a file from scratch, and wait until its script has run."""
        self.call("Page.navigate", url="about:blank")
        self._until(self.loads + 1)
        self.call("Page.navigate", url=page.absolute().as_uri() + after)
        self._until(self.loads + 1)

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def screen(self, width: int, height: int, *, dark: bool = False) -> None:
        """A window of this size, in CSS pixels, in a light or dark scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key: str, code: int) -> None:
        """A key of the keyboard, down and up."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **text,
            )

    def shoot(self, file: Path) -> None:
        """What the window shows, as a PNG."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def call(self, method: str, **parameters: Any) -> Any:
        """Ask for one thing and hear until it is answered."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if getattr(self, "session", ""):
            message["sessionId"] = self.session
        os.write(self.ask, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _until(self, loads: int) -> None:
        while self.loads < loads:
            self._next()

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self.hear], [], [], left)[0], "Chromium says nothing"
            piece = os.read(self.hear, 1 << 20)
            assert piece, "Chromium has gone"
            self.rest += piece
        raw, _, self.rest = self.rest.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, told: dict[str, Any]) -> None:
        self.loads += event == "Page.loadEventFired"
        if event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        if event == "Log.entryAdded" and told["entry"]["level"] in ("warning", "error"):
            self.complaints.append(told["entry"]["text"])
        if event == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(told["args"]))


@contextmanager
def browser(home: Path) -> Iterator[Browser]:
    """A browser that lives as long as the block; the test is skipped where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed; `apt-get install chromium`")
    (their_ear, ask), (hear, their_mouth) = os.pipe(), os.pipe()
    joined = f'exec "$@" 3<&{their_ear} 4>&{their_mouth}'  # Chromium hears file 3, tells file 4
    flags = (*FLAGS, f"--user-data-dir={home}")
    started = subprocess.Popen(
        ["bash", "-c", joined, "bash", program, *flags, "about:blank"],
        pass_fds=(their_ear, their_mouth),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(their_ear)
    os.close(their_mouth)
    try:
        yield Browser(ask, hear)
    finally:
        started.terminate()
        with suppress(subprocess.TimeoutExpired):
            started.wait(10)
        started.kill()
        started.wait()
        os.close(ask)
        os.close(hear)
