"""A result file is whole, canonical, and refuses what does not belong in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.case_scores import CaseScores, sha256_of
from pixvox_benchmarks.result import Result, is_published, key_of, results_below
from pixvox_registry import UserError
from pixvox_registry.artifacts import fingerprint, publish
from pixvox_registry.budgets import budget

CASES = CaseScores.rounded(["a", "b"], [0, 1], [[0.123456789, 0.876543211], [1e-9, 1 - 1e-9]])


def result(**changes: Any) -> Result:
    asked = {"method": "simclr", "seed": 0}
    request, weights = fingerprint(asked), fingerprint("weights")
    plain = Result(
        method="simclr",
        family="contrast",
        task="toy",
        task_version="1",
        dims=2,
        units="patient",
        protocol="knn_probe",
        protocol_version="1",
        metrics=("auc",),
        metric_versions={"auc": "1"},
        higher_is_better={"auc": True},
        budget=budget("small", 2).facts(),
        seed=0,
        asked=asked,
        request=request,
        weights_sha256=weights,
        key=key_of(request, weights),
        plugins={},
        scores={"auc": 0.75},
        intervals={"auc": {"low": 0.5, "high": 1.0, "method": "bca", "note": ""}},
        n_scored=2,
        n_expected=2,
        cases_sha256=sha256_of(CASES),
        data={},
        chosen={},
        health={},
        collapsed=False,
        parameters=1,
        provenance={},
    )
    return replace(plain, **changes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    published = result()
    assert published.write(tmp_path, CASES)
    return tmp_path / published.path


def rewritten(file: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Edited with the digest made to fit, so that only the content can give it away."""
    facts = json.loads(file.read_text())
    del facts["sha256"]
    change(facts)
    facts["sha256"] = fingerprint(facts)
    file.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")
    return file


def test_round_trip(file: Path) -> None:
    read = Result.read(file)
    assert read == result()
    assert read.read_cases(file) == CASES
    assert is_published(file.parents[2], read.path, read.request)


def test_figures_are_rounded_before_they_are_scored() -> None:
    assert CASES.probability[0] == (0.1234568, 0.8765432)
    assert CASES.probability[1] == (1e-9, 1.0)
    assert CaseScores.parse(CASES.content()) == CASES


def test_patients_are_told_where_one_has_several_cases() -> None:
    told: dict[str, Any] = {"target": [0, 1, 0], "probability": [[0.5, 0.5]] * 3}
    several = CaseScores.rounded(["a", "b", "c"], **told, patients=["p", "q", "p"])
    assert several.patients == ("p", "q", "p")
    assert CaseScores.parse(several.content()) == several
    assert b'[["a", "p"], 0, [0.5, 0.5]]' in several.content()
    each_one = CaseScores.rounded(["a", "b", "c"], **told, patients=["p", "q", "r"])
    assert each_one == CaseScores.rounded(["a", "b", "c"], **told)


def test_place_tells_what_it_is(file: Path) -> None:
    request = result().request[:12]
    assert file.relative_to(file.parents[2]).as_posix() == (
        f"toy/knn_probe/simclr-small-s0-{request}.json"
    )
    assert results_below(file.parents[2]) == [file], "cases are no results"


def test_of_two_writers_at_once_the_first_stands_with_its_own_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = CaseScores.rounded(["a", "b"], [0, 1], [[0.5, 0.5], [0.5, 0.5]])
    late = result(scores={"auc": 0.5}, cases_sha256=sha256_of(other))
    file = tmp_path / late.path

    def overtaken(where: Path, content: bytes, **options: Any) -> bool:
        done = publish(where, content, **options)
        if where == late.cases_file(file):
            monkeypatch.setattr("pixvox_benchmarks.result.publish", publish)
            assert result().write(tmp_path, CASES)
        return done

    monkeypatch.setattr("pixvox_benchmarks.result.publish", overtaken)
    assert not late.write(tmp_path, other)
    assert Result.read(file).read_cases(file) == CASES
    assert not late.cases_file(file).exists()
    assert not result().write(tmp_path, CASES)  # the same once more takes nothing away
    assert Result.read(file).read_cases(file) == CASES


@pytest.mark.parametrize("method", ["/abs/mine.yaml", "../mine.yaml", "hub:owner/name"])
def test_a_method_that_is_a_path_stays_in_its_folder(method: str, tmp_path: Path) -> None:
    named = result(method=method)
    named.write(tmp_path, CASES)
    assert results_below(tmp_path) == [tmp_path / named.path]
    assert (tmp_path / named.path).parent == tmp_path / "toy" / "knn_probe"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.pop("budget"), "lacks budget"),
        (lambda f: f.update(scroes={}), "'scroes', which no result has. Did you mean 'scores'"),
        (lambda f: f.update(schema=2), "no result of schema 1"),
        (lambda f: f.update(seed="0"), "seed should be a int; it is '0'"),
        (lambda f: f.update(collapsed=1), "collapsed should be a bool; it is 1"),
        (lambda f: f["scores"].update(auc=75.0), "a fraction, not a percentage"),
        (lambda f: f["scores"].update(auc="0.75"), "not a finite number"),
        (lambda f: f["scores"].update(auc=True), "not a finite number"),
        (lambda f: f["scores"].update(kappa=0.5), r"metrics \['auc'\] but scores"),
        (lambda f: f["higher_is_better"].pop("auc"), r"but directions \[\]"),
        (lambda f: f["budget"].pop("width"), "a budget has .*width"),
        (lambda f: f["intervals"].pop("auc"), r"metrics \['auc'\] but intervals \[\]"),
        (lambda f: f.update(n_scored=1), "1 of 2 cases are scored"),
        (lambda f: f["asked"].update(seed=1), "request is not the digest"),
        (lambda f: f.update(weights_sha256="0"), "key does not follow"),
    ],
)
def test_each_defect_has_its_words(
    file: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    rewritten(file, change)
    with pytest.raises(UserError, match=message) as caught:
        Result.read(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused_by_name(file: Path, constant: str) -> None:
    file.write_text(file.read_text().replace("0.75", constant))
    with pytest.raises(UserError, match=f"holds {constant}"):
        Result.read(file)


@pytest.mark.parametrize("content", ["", "{", "[]", "\ud800", '{"schema": 1}{}'])
def test_torn_files_are_refused(file: Path, content: str) -> None:
    file.write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(UserError, match=file.name):
        Result.read(file)


def test_another_spelling_is_an_edit(file: Path) -> None:
    """A key that stands twice would pass a check of the parsed content alone."""
    file.write_text(file.read_text().replace('"seed": 0,', '"seed": 1,\n  "seed": 0,'))
    with pytest.raises(UserError, match="was edited"):
        Result.read(file)


@pytest.mark.parametrize(
    "changes",
    [
        {"scores": {"auc": float("nan")}},
        {"scores": {"auc": 93.1}},
        {"health": {"embedding_std": float("inf")}},
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        result(**changes).write(tmp_path, CASES)
    assert list(tmp_path.rglob("*")) == []


def test_a_distance_is_no_fraction(tmp_path: Path) -> None:
    distance = result(
        metrics=("hd95_mm",),
        metric_versions={"hd95_mm": "1"},
        higher_is_better={"hd95_mm": False},
        scores={"hd95_mm": 12.5},
        intervals={"hd95_mm": {"low": 9.0, "high": 14.0, "method": "bca", "note": ""}},
    )
    distance.write(tmp_path, CASES)
    assert Result.read(tmp_path / distance.path).scores == {"hd95_mm": 12.5}


def test_edited_cases_are_not_read(file: Path) -> None:
    beside = result().cases_file(file)
    beside.write_text(beside.read_text().replace("0.1234568", "0.1234567"))
    with pytest.raises(UserError, match="was edited"):
        Result.read(file).read_cases(file)
    assert not is_published(file.parents[2], result().path, result().request)


def test_results_of_old_are_read_and_keep_their_bytes(file: Path) -> None:
    content = file.read_bytes()
    assert b"contamination" not in content and b"duplicates" not in content
    old = Result.read(file)
    assert old.content() == content and old.contamination == old.duplicates == {}


SEEN = {"state": "seen", "n_test": 2, "exact": 1, "near": 0, "ids": ["a"]}


def test_what_was_shown_is_part_of_a_result(tmp_path: Path) -> None:
    told = result(contamination=SEEN, duplicates={"train-test": {"exact": 1, "near": 0}})
    told.write(tmp_path, CASES)
    file = tmp_path / told.path
    assert Result.read(file) == told
    file.write_bytes(file.read_bytes().replace(b': "seen"', b': "unseen"'))
    with pytest.raises(UserError, match="seen where copies were counted"):
        Result.read(file)


@pytest.mark.parametrize(
    "lie",
    [
        {"state": "unseen"},
        {"state": "unknown"},
        {"state": "clean", "exact": 0},
        {"exact": 0},
        {"exact": -1, "near": 1},
        {"exact": "1"},
    ],
)
def test_a_state_that_its_counts_belie_is_not_written(lie: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="seen where copies were counted"):
        result(contamination={**SEEN, **lie}).write(tmp_path, CASES)


@pytest.mark.parametrize("counted", [{"exact": 2, "near": 1}, {"n_test": 0}])
def test_more_copies_than_cases_are_not_written(counted: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"copies were counted among [02] test cases"):
        result(contamination={**SEEN, **counted}).write(tmp_path, CASES)
