"""Shows a site on this machine alone: 127.0.0.1, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"


class Quiet(SimpleHTTPRequestHandler):
    """Tells the browser to ask again each time, and nobody of each request."""

    def end_headers(self) -> None:
        """A site that was made anew is seen at once."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def server(folder: Path) -> ThreadingHTTPServer:
    """A server of a folder on a free port; it does not serve yet."""
    return ThreadingHTTPServer((HOST, 0), partial(Quiet, directory=str(folder)))


def serve(folder: Path, tell: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, which is how it ends.

    Args:
        tell: takes the address.
    """
    with server(folder) as running:
        try:
            tell(f"http://{HOST}:{running.server_port}/  (Ctrl-C ends it)")
            running.serve_forever()
        except KeyboardInterrupt:
            tell("ended")
