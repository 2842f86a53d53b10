"""What the system does not let a command do is one sentence; a bug keeps its traceback."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pixvox_registry import COMMANDS
from pixvox_registry.__main__ import main


def run(error: Exception | None, path: Path | None = None) -> None:
    def failing() -> None:
        if error is not None:
            raise error
        assert path is not None
        path.mkdir(parents=True)

    with COMMANDS.lend("failing", failing):
        main(["failing"])


@pytest.mark.parametrize(
    ("below", "said"), [("file/x", "Not a directory"), ("n" * 300, "File name too long")]
)
def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], below: str, said: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SystemExit) as end:
        run(None, tmp_path / below)
    err = capsys.readouterr().err
    assert end.value.code == 2 and said in err and str(tmp_path) in err and len(err) < 500
    assert "Traceback" not in err


def test_a_full_disk_has_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert end.value.code == 2
    assert "The system refuses: No space left on device." in capsys.readouterr().err


@pytest.mark.parametrize("error", [OSError("a library's own"), KeyError("low"), TypeError("no")])
def test_other_errors_keep_their_traceback(error: Exception) -> None:
    with pytest.raises(type(error)):
        run(error)
