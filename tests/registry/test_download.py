"""Downloads against a server that cuts, ignores Range, lies or refuses."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from pixvox_registry import UserError
from pixvox_registry.download import fetch

CONTENT = np.random.default_rng(0).bytes(700_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT and remembers what was asked of it."""

    content = CONTENT
    ranges = True
    status = 0
    cuts: tuple[int, ...] = ()  # bytes sent before each of the first answers breaks off

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}/set.npz"

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server: Server = self.server
        wanted = self.headers.get("Range")
        server.asked.append(wanted)
        start = int(wanted[6:-1]) if wanted and server.ranges else 0
        status = server.status or (206 if start else 200)
        if start and start >= len(server.content):
            status = 416
        body = server.content[start:] if status < 300 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/*")
        self.end_headers()
        number = len(server.asked) - 1
        self.wfile.write(body[: server.cuts[number]] if number < len(server.cuts) else body)
        self.close_connection = True

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def server():
    with Server() as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "medmnist" / "set.npz"


def get(server, file, md5=MD5):
    reports = []
    fetch(server.url, file, md5, lambda here, whole: reports.append((here, whole)), pause_s=0)
    return reports


def partial(file):
    return file.with_name("set.npz.part")


def test_a_file_arrives_whole_under_its_name(server, file):
    reports = get(server, file)
    assert file.read_bytes() == CONTENT and not partial(file).exists()
    assert reports[-1] == (len(CONTENT), len(CONTENT)) and len(reports) > 1
    get(server, file)
    assert server.asked == [None]  # what is there and right is not asked for again


def test_a_connection_that_breaks_goes_on_where_it_stopped(server, file):
    server.cuts = (300_000, 1, 250_000)
    reports = get(server, file)
    assert file.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=300001-", "bytes=550001-"]
    assert [here for here, _ in reports] == sorted(here for here, _ in reports)


def test_what_an_earlier_run_left_is_used(server, file):
    file.parent.mkdir()
    partial(file).write_bytes(CONTENT[:123_456])
    get(server, file)
    assert file.read_bytes() == CONTENT and server.asked == ["bytes=123456-"]


def test_a_whole_part_needs_no_more_bytes(server, file):
    file.parent.mkdir()
    partial(file).write_bytes(CONTENT)
    get(server, file)
    assert file.read_bytes() == CONTENT and server.asked == [f"bytes={len(CONTENT)}-"]


def test_a_server_without_ranges_begins_again(server, file):
    server.ranges, server.cuts = False, (500_000,)
    get(server, file)
    assert file.read_bytes() == CONTENT and len(server.asked) == 2


def test_a_server_that_always_breaks_is_given_up_and_what_came_is_kept(server, file):
    server.cuts = (300_000, *[0] * 10)
    with pytest.raises(UserError, match="300,000 bytes are kept"):
        get(server, file)
    assert not file.exists() and partial(file).read_bytes() == CONTENT[:300_000]
    server.cuts = ()
    get(server, file)
    assert file.read_bytes() == CONTENT


@pytest.mark.parametrize("left", [0, 1000, 800_000])
def test_a_wrong_md5_is_refused_and_nothing_stays(server, file, left):
    server.content = CONTENT[:-1] + b"x"
    file.parent.mkdir()
    partial(file).write_bytes(CONTENT[:1] * left)
    with pytest.raises(UserError, match=f"should have md5 {MD5}"):
        get(server, file)
    assert not list(file.parent.iterdir())


@pytest.mark.parametrize("md5", ["", "unknown", MD5[:-1], MD5.upper()])
def test_without_a_checksum_nothing_is_asked(server, file, md5):
    with pytest.raises(UserError, match="no known md5"):
        get(server, file, md5)
    assert not server.asked and not file.parent.exists()


def test_a_wrong_file_that_is_there_stays(server, file):
    file.parent.mkdir()
    file.write_bytes(b"mine")
    with pytest.raises(UserError, match="move it away"):
        get(server, file)
    assert file.read_bytes() == b"mine" and not server.asked


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (503, 4)])
def test_a_refusal_is_told(server, file, status, requests):
    server.status = status
    with pytest.raises(UserError, match=str(status)):
        get(server, file)
    assert len(server.asked) == requests and not file.exists()


def test_nobody_answers(server, file):
    server.url = "http://127.0.0.1:9/set.npz"
    with pytest.raises(UserError, match="cannot be downloaded"):
        get(server, file)


def test_only_the_web_is_asked(tmp_path, file):
    (tmp_path / "set.npz").write_bytes(CONTENT)
    with pytest.raises(UserError, match="http or https"):
        fetch(f"file://{tmp_path}/set.npz", file, MD5, print)


def test_two_downloads_of_one_file_do_not_mix(server, file):
    file.parent.mkdir()
    import fcntl

    with partial(file).open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="Another process"):
            get(server, file)
    get(server, file)
    assert file.read_bytes() == CONTENT
