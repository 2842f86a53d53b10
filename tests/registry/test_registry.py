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

BROKEN = [
    ("raise ImportError('no such thing')", "ImportError: no such thing"),
    ("def broken(:", "SyntaxError"),
    ("import sys; sys.exit(3)", "SystemExit: 3"),
]


def write_guest(
    site: Path, name: str, plugin: str, body: str, home: str = "pixvox_zoo.losses"
) -> None:
    """An installed distribution, as pip leaves it."""
    (site / f"{name}.py").write_text(body)
    write_metadata(site, name, f"[{home}]\n{plugin} = {name}\n")


def write_recipe(site: Path, name: str, recipe: str, body: str = "") -> None:
    """An installed distribution that brings a recipe."""
    (site / name / "recipes" / recipe).mkdir(parents=True)
    (site / name / "__init__.py").write_text(body)
    (site / name / "recipes" / recipe / "recipe.yaml").write_text("title: A guest's\n")
    write_metadata(site, name, f"[pixvox_zoo.recipes]\n{recipe} = {name}.recipes.{recipe}\n")


def write_metadata(site: Path, name: str, entry_points: str) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


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
    [*BROKEN, ("x = 1", "marks no loss with @register")],
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


@pytest.mark.parametrize(("body", "reason"), BROKEN)
def test_a_broken_guest_command_is_left_out_and_breaks_nothing(
    body: str, reason: str, tmp_path: Path
) -> None:
    write_guest(tmp_path, "bad_guest", "data_bad", body, "pixvox_registry.commands")
    for words in ([], ["--help"], ["data", "--help"]):
        done = pixvox(tmp_path, *words)
        assert done.returncode == 0 and "data" in done.stdout
        assert reason in done.stderr and len(done.stderr.splitlines()) == 1
    called = pixvox(tmp_path, "data", "bad")
    assert called.returncode == 2 and reason in called.stderr
    assert not pixvox(tmp_path, "list", "commands").stderr


def test_a_broken_guest_source_is_left_out_of_get_and_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_guest(tmp_path, "bad_guest", "bad", BROKEN[0][0], "pixvox_registry.sources")
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path))
    (tmp_path / "medmnist").mkdir()
    (tmp_path / "medmnist/breastmnist.npz").write_bytes(b"mine")
    got = pixvox(tmp_path, "data", "get", "breastmnist")
    assert got.returncode == 2 and "md5 is not the official" in got.stderr
    verified = pixvox(tmp_path, "data", "verify", "--all", "--json")
    (row,) = json.loads(verified.stdout)
    assert verified.returncode == 1 and row["source"] == "medmnist:breastmnist"
    for done in (got, verified):
        assert "left out: source 'bad' (bad_guest)" in done.stderr.splitlines()[0]


@pytest.mark.parametrize(("body", "reason"), BROKEN)
def test_a_recipe_is_found_without_importing_its_guest(
    body: str, reason: str, tmp_path: Path
) -> None:
    write_recipe(tmp_path, "bad_guest", "mine", body)
    rows = json.loads(pixvox(tmp_path, "list", "recipes", "--check", "--json").stdout)
    homes = {row["name"]: row["from"] for row in rows}
    assert homes.pop("mine") == "bad_guest" and set(homes.values()) == {"pixvox"}
    assert {row["state"] for row in rows} == {"ok"}
    facts = json.loads(pixvox(tmp_path, "describe", "recipes", "mine", "--json").stdout)
    assert facts["distribution"] == "bad_guest 1.0" and "A guest's" in facts["recipe"]


def test_a_recipe_that_is_brought_twice_or_not_there_is_broken_and_breaks_nothing(
    tmp_path: Path,
) -> None:
    write_recipe(tmp_path, "guest_a", "simclr")
    write_recipe(tmp_path, "guest_b", "lost")
    (tmp_path / "guest_b/recipes/lost/recipe.yaml").unlink()
    rows = json.loads(pixvox(tmp_path, "list", "recipes", "--check", "--json").stdout)
    states = {row["name"]: row["state"] for row in rows}
    assert "guest_a and by pixvox" in states.pop("simclr")
    assert "recipe 'lost' of guest_b: no recipe.yaml" in states.pop("lost")
    assert set(states.values()) == {"ok"}
    for name, said in {"simclr": "guest_a and by pixvox", "lost": "guest_b.recipes.lost"}.items():
        for words in (["describe", "recipes", name], ["pretrain", name, "--data", "phantoms"]):
            done = pixvox(tmp_path, *words)
            assert done.returncode == 2 and said in done.stderr
            assert len(done.stderr.splitlines()) == 1
    looked_over = pixvox(tmp_path, "doctor", "--json")
    broken = [row for row in json.loads(looked_over.stdout) if row["state"] == "broken"]
    assert looked_over.returncode == 1 and [row["what"] for row in broken] == ["recipes"]


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
    assert not list(tmp_path.iterdir())


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


@pytest.mark.parametrize(
    ("setting", "value", "accepted"),
    [
        ("rate", 1, True),
        ("rate", "fast", False),
        ("rate", True, False),
        ("steps", 1.5, False),
        ("name", 3, False),
        ("limit", 3, True),
        ("limit", None, True),
    ],
)
def test_a_value_of_another_type_is_refused(setting, value, accepted) -> None:
    def plain(
        rate: float = 0.1, steps: int = 1, name: str = "", limit: float | None = None
    ) -> dict[str, object]:
        return {"rate": rate, "steps": steps, "name": name, "limit": limit}

    with LOSSES.lend("plain", plain):
        if accepted:
            assert LOSSES.build("plain", **{setting: value})[setting] is value
        else:
            with pytest.raises(UserError, match=f"wants {setting} as .*; {value!r} came"):
                LOSSES.build("plain", **{setting: value})


def test_a_value_that_the_constructor_refuses_is_said_in_a_sentence() -> None:
    def plain(rate: float) -> float:
        raise ValueError(f"rate {rate} is below 0")

    with (
        LOSSES.lend("plain", plain),
        pytest.raises(UserError, match="'plain' refuses its settings: rate -1 is below 0"),
    ):
        LOSSES.build("plain", rate=-1)
