"""A registry lists without importing, apologises well, and no guest can break it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pixvox_registry import KINDS, LOSSES, UserError
from pixvox_registry.__main__ import main
from pixvox_registry.errors import UnknownName


def write_guest(site: Path, name: str, plugin: str, body: str) -> None:
    """An installed distribution, as pip leaves it."""
    (site / f"{name}.py").write_text(body)
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pixvox_zoo.losses]\n{plugin} = {name}\n")


def pixvox(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pixvox_registry", *words],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_plugin_of_ours_loads_and_is_described(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in KINDS[kind]:
        with pytest.raises(SystemExit) as end:
            main(["describe", kind, name, "--json"])
        assert end.value.code == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["docstring"] and facts["distribution"].startswith("pixvox ")


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from pixvox_registry.__main__ import main\n"
        "try: main(['list'])\nexcept SystemExit: pass\n"
        "print({'torch', 'numpy', 'pandas', 'monai', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()", done.stdout


def test_listing_is_quick_beside_the_interpreter() -> None:
    """As a ratio to a bare interpreter, so that a slow machine passes too."""

    def best(*words: str) -> float:
        laps = []
        for _ in range(5):
            begun = time.perf_counter()
            subprocess.run([sys.executable, *words], capture_output=True, check=True)
            laps.append(time.perf_counter() - begun)
        return min(laps)

    assert best("-m", "pixvox_registry", "list") < 12 * best("-c", "import json")


def test_a_typo_is_met_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'barlow_twins'"):
        LOSSES.get("barlow_twin")
    with pytest.raises(UserError, match=r"no setting 'temprature'. Did you mean 'temperature'"):
        LOSSES.build("nt_xent", temprature=1)


@pytest.mark.parametrize("name", ["subprocess.check_output", "os.system", "../simclr", "__init__"])
def test_a_dotted_path_is_never_a_plugin(name: str) -> None:
    with pytest.raises(UnknownName):
        LOSSES.get(name)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise ImportError('no such thing')", "ImportError: no such thing"),
        ("def broken(:", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("x = 1", "marks no loss with @register"),
    ],
)
def test_a_broken_guest_is_listed_as_broken_and_breaks_nothing(
    body: str, reason: str, tmp_path: Path
) -> None:
    write_guest(tmp_path, "bad_guest", "bad", body)
    rows = json.loads(pixvox(tmp_path, "list", "losses", "--check", "--json").stdout)
    states = {row["name"]: row["state"] for row in rows}
    assert reason in states.pop("bad") and set(states.values()) == {"ok"}
    described = pixvox(tmp_path, "describe", "losses", "bad")
    assert described.returncode == 2 and reason in described.stderr


def test_a_guest_that_sleeps_at_import_does_not_delay_the_list(tmp_path: Path) -> None:
    write_guest(tmp_path, "sleepy_guest", "sleepy", "import time; time.sleep(60)")
    begun = time.monotonic()
    assert "sleepy" in pixvox(tmp_path, "list", "losses").stdout
    assert time.monotonic() - begun < 30


def test_two_distributions_with_one_name_are_both_named(tmp_path: Path) -> None:
    good = "from pixvox_registry import LOSSES\n@LOSSES.register\ndef mine(): 'A loss.'\n"
    write_guest(tmp_path, "guest_a", "nt_xent", good)
    write_guest(tmp_path, "guest_b", "same", good)
    write_guest(tmp_path, "guest_c", "same", good)
    ours = pixvox(tmp_path, "describe", "losses", "nt_xent")
    assert ours.returncode == 2 and "guest_a and by pixvox" in ours.stderr
    theirs = pixvox(tmp_path, "describe", "losses", "same")
    assert theirs.returncode == 2 and "guest_b and by guest_c" in theirs.stderr
    assert pixvox(tmp_path, "list").returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lst"], "Did you mean 'list'"),
        (["list", "loses"], "Did you mean 'losses'"),
        (["describe", "losses", "nt_xnt"], "Did you mean 'nt_xent'"),
        (["describe", "recipes", "simclrr"], "Did you mean 'simclr'"),
        (["speed", "simclrr"], "Did you mean 'simclr'"),
        (["pretrain", "simclrr", "--data", "phantoms:shapes_2d"], "Did you mean 'simclr'"),
        (["pretrain", "simclr", "--data", "fantoms:shapes_2d"], "Did you mean 'phantoms'"),
        (["pretrain", "simclr", "--data", "phantoms:shapes_2d", "--set", "optimiser.lr=1"],
         "Did you mean 'optimizer'"),
        (["pretrain", "simclr", "--data", "phantoms:shapes_2d", "--budget", "smal"],
         "Did you mean 'small'"),
        (["pretrain", "simclr", "--data", "phantoms:shapes_3d,count=9", "--batch", "8",
          "--set", "backbone={name: timm}"], "timm"),
    ],
)  # fmt: skip
def test_wrong_words_exit_with_two_one_paragraph_and_no_file(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(words)
    heard = capsys.readouterr().err
    assert end.value.code == 2
    assert said in heard and "Traceback" not in heard and len(heard.strip().splitlines()) == 1
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "lock"]


def test_a_plugin_can_be_lent_for_a_block() -> None:
    with LOSSES.lend("mine", dict):
        assert LOSSES.get("mine") is dict and "mine" in LOSSES
        assert LOSSES.origin("mine").distribution == "session"
    assert "mine" not in LOSSES


@pytest.mark.parametrize("name", KINDS["commands"])
def test_every_command_has_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = name.split("_")
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0
    assert f"Example: pixvox {' '.join(words)}" in capsys.readouterr().out
