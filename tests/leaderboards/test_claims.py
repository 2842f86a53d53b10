"""What a stranger's file says of itself: each nonsense has its own words, and none comes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pixvox_benchmarks.result import Result, results_below
from pixvox_leaderboards.adding import add
from pixvox_registry import UserError

from .stranger import HERE, Change, both, deep, recased, resealed, sent, told_and_asked

Publish = Callable[..., Path]
HOSTILE = "<script>alert(1)</script>|x`y"


@pytest.fixture
def given(publish: Publish, tmp_path: Path) -> Path:
    publish("ours", **HERE)
    return sent(publish("theirs", skill=2.0, **HERE), tmp_path / "theirs")


def share(protocol: str, fraction: object = None) -> Change:
    told = deep("protocol", to=protocol)
    if fraction is None:
        return told
    return both(told, deep("asked", "protocol", "label_fraction", to=fraction))


def task(name: str) -> Change:
    return told_and_asked("task", name, "task", "name")


NONSENSE = {
    "a name for no file": (told_and_asked("method", "x" * 121), "names a method"),
    "a name that is a folder": (told_and_asked("method", ".."), "names a method '..'"),
    "a name of many bytes": (told_and_asked("method", "ü" * 61), "names a method"),
    "a seed beyond torch's": (told_and_asked("seed", 2**32), "seeds count from 0 to 4294967295"),
    "a family of markup": (deep("family", to=HOSTILE), "names a family '<script>"),
    "no family": (deep("family", to=""), "names a family ''"),
    "a size that is none": (task("breastmnist:7"), "sizes 28, 64, .* 7 came"),
    "a size of markup": (task(f"breastmnist:{HOSTILE}"), "wants size as int"),
    "a size of a folder": (task("breastmnist:../../x"), "wants size as int"),
    "the usual size": (task("breastmnist:28"), "No task is called 'breastmnist:28'"),
    "a size where there is none": (task("hippocampus:64"), "No task is called 'hippocampus:64'"),
    "few labels, asked with all": (share("knn_probe@1%"), "label fraction of 0.01, and that 1 was"),
    "few labels, asked with more": (share("knn_probe@1%", 0.1), "of 0.01, and that 0.1 was"),
    "all labels, asked with few": (share("knn_probe", 0.1), "of 1, and that 0.1 was asked"),
    "less than no labels": (share("knn_probe@-5%", -0.05), "'knn_probe@-5%'.* is no name"),
    "no labels": (share("knn_probe@0%", 0.0), "'knn_probe@0%'.* is no name"),
    "all labels by number": (share("knn_probe@100%", 1.0), "'knn_probe@100%'.* is no name"),
    "more than all labels": (share("knn_probe@1e5%", 1e3), "'knn_probe@1e5%'.* is no name"),
    "a second name for a tenth": (share("knn_probe@10.0%", 0.1), "'knn_probe@10.0%'.* is no name"),
    "no provenance": (deep("provenance", to={}), "does not say when .* not None"),
    "an hour of a number": (deep("provenance", "at", to=5), "does not say when .* not 5"),
    "an hour without a zone": (deep("provenance", "at", to="2026-01-01T00:00:00"), "T00:00:00'"),
    "an hour of elsewhere": (
        deep("provenance", "at", to="2026-01-01T00:00:00+02:00"),
        "does not say when .*02:00",
    ),
    "an hour that sorts last": (
        deep("provenance", "at", to="20260101T000000+0000"),
        "does not say when .*20260101T",
    ),
    "no commit": (deep("provenance", "commit", to=None), "which code measured it.* not None"),
    "a commit of markup": (deep("provenance", "commit", to="<b>x</b>"), "which code .*<b>"),
    "no data": (deep("data", to={}), "does not say on which data"),
    "no weights": (deep("weights_sha256", to="<b>"), "does not say which weights"),
    "another protocol": (deep("protocol_version", to=HOSTILE), "says protocol_version '<script>"),
    "less than no parameters": (deep("parameters", to=-5), "it states -5"),
    "a giant": (deep("parameters", to=10**400), "it states 1000000"),
    "seven dims": (deep("dims", to=7), "dims 7, and a budget of dims 2"),
    "curves apart": (deep("curves", to={"step": [1], "loss": [1, 2]}), "curves of unlike lengths"),
    "curves of words": (deep("curves", to={"step": ["a"]}), "curves of .* other than figures"),
    "a curve that is none": (deep("curves", to={"step": 3}), "curves of .* one per report"),
    "a metric twice": (deep("metrics", to=["auc", "accuracy", "auc"]), "a metric stands twice"),
    "an interval of nothing": (deep("intervals", "auc", to={}), "has a low and a high; it is {}"),
    "an interval of words": (deep("intervals", "auc", "low", to="a"), "it is {.*'low': 'a'"),
    "an interval without an end": (deep("intervals", "auc", "high", to=None), "'high': None"),
    "no interval": (deep("intervals", "auc", to=[0, 1]), r"it is \[0, 1\]"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_refused_in_its_own_words(given: Path, tmp_path: Path, what: str) -> None:
    change, said = NONSENSE[what]
    with pytest.raises(UserError, match=said):
        add(resealed(given, change), tmp_path / "results")
    assert len(results_below(tmp_path / "results")) == 1


@pytest.mark.parametrize(
    "content",
    [
        b'[["case000", 0, [0.5, 0.5]], ["case001", 1, [1.0]]]',
        b'[["case000", %d, [0.5, 0.5]], ["case001", 1, [1.0, 0.0]]]' % 10**30,
        b'[[[["a"]], 0, [0.5, 0.5]], ["case001", 1, [1.0, 0.0]]]',
    ],
    ids=["ragged", "beyond int64", "an id that is a list"],
)
def test_cases_of_no_such_kind_are_refused(given: Path, tmp_path: Path, content: bytes) -> None:
    resealed(given, both(deep("n_scored", to=2), deep("n_expected", to=2)))
    with pytest.raises(UserError, match="cannot be computed again"):
        add(recased(given, content), tmp_path / "results")


@pytest.mark.parametrize(
    "change",
    [
        told_and_asked("method", "weights:runs/a-b_c/with.dots-s{seed}/weights"),
        told_and_asked("method", "x" * 120),
        told_and_asked("seed", 2**32 - 1),
        deep("family", to="three objectives"),
        deep("provenance", "commit", to="unknown"),
        deep("curves", to={"step": [1, 2], "loss": [0.5, None]}),
        deep("health", to={}),
    ],
)
def test_what_real_results_carry_comes_in(given: Path, tmp_path: Path, change: Change) -> None:
    (new,) = add(resealed(given, change), tmp_path / "results")
    assert Result.read(new).content() == given.read_bytes()
