"""Change one digit of a score or one per-case value: verify fails and names the file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.verify import Finding, examine
from pixvox_registry import COMMANDS, UserError

from .stranger import Change, deep, recased, resealed

Publish = Callable[..., Path]


def rewrite(file: Path, change: Callable[[Result], Result]) -> None:
    """A forger who knows how the digest is made."""
    file.write_bytes(change(Result.read(file)).content())


def last_digit_changed(text: str, number: str) -> str:
    return text.replace(number, number[:-1] + ("1" if number[-1] != "1" else "2"), 1)


def test_what_was_published_is_sound(publish: Publish) -> None:
    assert examine(publish("simclr")) == Finding("")


@pytest.mark.parametrize("part", ["scores", "intervals"])
def test_one_digit_of_a_figure(publish: Publish, part: str) -> None:
    file = publish("simclr")
    facts = json.loads(file.read_text())[part]["auc"]
    number = repr(facts["low"] if part == "intervals" else facts)
    file.write_text(last_digit_changed(file.read_text(), number))
    fault = examine(file).fault
    assert str(file) in fault
    assert "edited" in fault


def test_every_digit_of_a_result_counts(publish: Publish) -> None:
    file = publish("simclr")
    whole = file.read_text()
    places = [match.start() for match in re.finditer(r"\d", whole)][::7]
    for place in places:
        digit = "1" if whole[place] != "1" else "2"
        file.write_text(whole[:place] + digit + whole[place + 1 :])
        assert examine(file).fault, whole[max(0, place - 40) : place + 5]


def test_one_value_of_one_case(publish: Publish) -> None:
    file = publish("simclr")
    beside = Result.read(file).cases_file(file)
    number = re.findall(r"0\.\d{5,}", beside.read_text())[17]
    beside.write_text(last_digit_changed(beside.read_text(), number))
    fault = examine(file).fault
    assert str(beside) in fault


def test_a_forged_score_with_a_true_digest(publish: Publish) -> None:
    file = publish("simclr")
    rewrite(file, lambda r: replace(r, scores={**r.scores, "auc": r.scores["auc"] + 1e-6}))
    fault = examine(file).fault
    assert str(file) in fault
    assert "its cases give" in fault


def test_a_forged_interval_with_a_true_digest(publish: Publish) -> None:
    file = publish("simclr")

    def narrower(result: Result) -> Result:
        wide = dict(result.intervals["auc"])
        return replace(
            result, intervals={**result.intervals, "auc": {**wide, "low": wide["low"] + 0.01}}
        )

    rewrite(file, narrower)
    assert "its cases give" in examine(file).fault


def test_a_forged_direction_with_a_true_digest(publish: Publish) -> None:
    file = publish("simclr")
    rewrite(file, lambda r: replace(r, higher_is_better={**r.higher_is_better, "auc": False}))
    assert "that a lower auc is better" in examine(file).fault


def test_a_forged_case_with_a_true_digest(publish: Publish) -> None:
    file = publish("simclr", skill=0.5)
    beside = Result.read(file).cases_file(file)
    rows: list[Any] = json.loads(beside.read_text())
    rows[0][2] = [0.5 - (rows[0][1] - 0.5) * 0.9, 0.5 + (rows[0][1] - 0.5) * 0.9]
    lines = ",\n".join(json.dumps(row) for row in rows)
    beside.write_text(f"[\n{lines}\n]\n")
    sha256 = hashlib.sha256(beside.read_bytes()).hexdigest()
    rewrite(file, lambda r: replace(r, cases_sha256=sha256))
    beside.rename(Result.read(file).cases_file(file))
    assert "its cases give" in examine(file).fault


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (deep("protocol", to="knn_probe@1%"), "so a label fraction of 0.01, and that 1 was asked"),
        (deep("asked", "protocol", "label_fraction", to=0.1), "of 1, and that 0.1 was asked"),
        (deep("dims", to=3), "dims 3, and a budget of dims 2"),
        (deep("curves", to={"step": [1], "loss": []}), "curves of unlike lengths"),
        (deep("metrics", to=["auc", "accuracy", "auc"]), "a metric stands twice"),
        (deep("intervals", "auc", to={}), "the interval of auc has a low and a high"),
        (deep("intervals", "auc", "low", to=10**400), "OverflowError"),
        (deep("asked", "protocol", to=[]), ""),
    ],
)
def test_what_contradicts_itself_with_true_digests(
    publish: Publish, change: Change, said: str
) -> None:
    file = resealed(publish("simclr"), change)
    fault = examine(file).fault
    assert said in fault
    assert (str(file) in fault) == bool(said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[1, 2]", "malformed: TypeError"),
        (b"not JSON", "malformed: JSONDecodeError"),
        (b'[["case000", 0, [0.5]], ["case001", 1, [0.5, 0.5]]]', "cannot be computed again"),
        (b'[["case000", 0, [5, -4]], ["case001", 1, [0, 1]]]', "between 0 and 1"),
    ],
)
def test_malformed_cases_are_a_fault_among_others(
    publish: Publish,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    said: str,
) -> None:
    other = publish("barlow_twins")
    other.write_text(other.read_text().replace('"seed": 0', '"seed": 1', 1))
    two = resealed(publish("simclr"), lambda facts: facts.update(n_scored=2, n_expected=2))
    recased(two, content)
    with pytest.raises(SystemExit):
        COMMANDS.get("board")(tmp_path / "results", verify=True)
    told = capsys.readouterr().err
    assert said in told
    assert str(two) in told and str(other) in told


def test_missing_cases(publish: Publish) -> None:
    file = publish("simclr")
    Result.read(file).cases_file(file).unlink()
    assert "is missing" in examine(file).fault


def test_command_names_every_faulty_file_and_exits_1(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, faulty = publish("simclr"), publish("barlow_twins")
    results = tmp_path / "results"
    faulty.write_text(faulty.read_text().replace('"seed": 0', '"seed": 1', 1))
    with pytest.raises(SystemExit) as exit_:
        COMMANDS.get("board")(results, verify=True)
    assert exit_.value.code == 1
    said = capsys.readouterr().err
    assert str(faulty) in said
    assert str(sound) not in said
    with pytest.raises(UserError, match=re.escape(str(faulty))):
        COMMANDS.get("board")(results)
    faulty.unlink()
    COMMANDS.get("board")(results, verify=True)


def test_a_metric_that_is_not_installed_is_counted_as_unchecked(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = publish("simclr", metric_versions={"auc": "0", "accuracy": "1"})
    COMMANDS.get("board")(tmp_path / "results", verify=True, json=True)
    said = capsys.readouterr()
    unchecked = f"{file}: auc is unchecked: metric auc 0 is not installed, 1 is."
    assert json.loads(said.out) == {"files": 1, "faults": [], "unchecked": [unchecked]}
    assert unchecked in said.err
    assert "1 results checked, 0 at fault, 1 metrics unchecked." in said.err
