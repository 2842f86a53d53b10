"""A site is a function of result files: whole, escaped, asking nobody, and honest."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.board import build
from pixvox_leaderboards.comparison import Comparison
from pixvox_leaderboards.pairwise import pairwise
from pixvox_leaderboards.reading import read_all
from pixvox_leaderboards.row import RANDOM_INIT
from pixvox_leaderboards.site.elements import Html, el
from pixvox_leaderboards.site.island import data
from pixvox_leaderboards.site.names import slugs, told_apart
from pixvox_leaderboards.site.pages import site_of
from pixvox_leaderboards.site.pairs import contestants, duels
from pixvox_leaderboards.site.versus import says, summary
from pixvox_registry import COMMANDS, UserError

from .site_reader import Reader

Publish = Callable[..., Path]
EVIL = "</script><script>alert('x')</script>\"&"


@pytest.fixture
def results(publish: Publish, tmp_path: Path) -> Path:
    """Two tasks, four methods, one of them with two seeds; one row stale."""
    for task in ("toy", "play"):
        publish(RANDOM_INIT, skill=0.2, task=task)
        publish("simclr", skill=2.0, task=task)
        publish("simclr", skill=2.0, task=task, seed=1)
        publish("barlow_twins", skill=1.0, task=task)
    publish("older", task="toy", task_version="0")
    return tmp_path / "results"


def pages(results: Path) -> dict[str, bytes]:
    readings = read_all(results)
    return site_of(build(readings), readings, PurePosixPath("runs/results"))


def test_same_bytes_twice_and_elsewhere(results: Path, tmp_path: Path) -> None:
    first = pages(results)
    shutil.move(results / "toy", results / "moved")  # other paths, another order
    assert pages(results) == first
    assert set(first) == {
        "index.html",
        "compare.html",
        "board.csv",
        "board.json",
        *(f"methods/{m}.html" for m in ("simclr", "barlow_twins", "random_init", "older")),
    }


def test_every_page_is_balanced_and_every_link_leads_somewhere(results: Path) -> None:
    site = pages(results)
    read = {name: Reader(page) for name, page in site.items() if name.endswith(".html")}
    for name, reader in read.items():
        assert reader.open == []
        assert len(reader.names) == len(set(reader.names)), name
        for link in reader.links:
            target, _, anchor = link.partition("#")
            path = (PurePosixPath(name).parent / target).as_posix() if target else name
            path = path.replace("methods/../", "")
            assert path in site, f"{name} links to {link}"
            assert not anchor or anchor in read[path].names, f"{name} links to {link}"


def test_pages_ask_nobody_and_allow_only_their_own_script(results: Path) -> None:
    for name, content in pages(results).items():
        if not name.endswith(".html"):
            continue
        page = content.decode()
        bare = page.replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in bare and "https:" not in bare, name
        assert "default-src &#x27;none&#x27;" in page
        for tag in ("style", "script"):
            inside = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
            digests = [b64encode(hashlib.sha256(each.encode()).digest()) for each in inside]
            allowed = " ".join(f"&#x27;sha256-{digest.decode()}&#x27;" for digest in digests)
            assert digests and f"{tag}-src {allowed};" in page


def test_a_hostile_method_name_is_only_text(publish: Publish, tmp_path: Path) -> None:
    publish(EVIL)
    publish("simclr")
    site = pages(tmp_path / "results")
    (evil,) = (name for name in site if "script" in name)
    assert evil.startswith("methods/") and evil.count("/") == 1
    for name in ("index.html", "compare.html", evil):
        page = site[name].decode()
        assert "<script>alert" not in page, name
        assert page.count("<script") == page.count("</script>") == (3 if name[0] == "i" else 1)
        assert EVIL in Reader(site[name]).text, "it is still told, as text"


def test_data_in_a_page_cannot_end_its_element() -> None:
    inside = data({"name": EVIL}).partition(">")[2].rpartition("</script>")[0]
    assert "<" not in inside and ">" not in inside
    assert json.loads(inside) == {"name": EVIL}


def test_elements_escape_all_but_elements() -> None:
    assert el("p", "<b>", Html("<b>"), None) == "<p>&lt;b&gt;<b></p>"
    assert el("a", title='"><i', hidden=False, open=True) == '<a title="&quot;&gt;&lt;i" open></a>'


def test_addresses_of_methods_never_collide() -> None:
    methods = ["weights:a/one/weights", "weights:b/one/weights", "One", "hub:x/y", "..", "é/ü"]
    found = slugs(methods)
    assert len({slug.lower() for slug in found.values()}) == len(methods)
    assert all(slug[0] != "." and slug.isascii() and "/" not in slug for slug in found.values())
    assert found["hub:x/y"] == "hub_x_y"


def test_namesakes_are_told_apart_by_what_differs() -> None:
    runs = [f"weights:runs/{data}/runs/with-s{{seed}}/weights" for data in ("breast", "chest")]
    assert list(told_apart(runs).values()) == ["with (breast)", "with (chest)"]
    assert list(slugs(runs).values()) == ["with_breast", "with_chest"]
    assert told_apart(runs[:1]) == {runs[0]: "with"}


def test_pairs_say_what_the_command_says(results: Path) -> None:
    """The batch over all pairs of a panel against ``pixvox board --compare``, line by line."""
    board = build(read_all(results))
    held = duels(board)
    assert len(held.found) == 3 and held.left_out == ()
    for duel in held.found:
        wanted = pairwise(board, duel.first, duel.second)
        assert [(p.task, p.protocol) for p, _ in duel.lines] == [
            (line["task"], line["protocol"]) for line in wanted
        ]
        for (_, one), line in zip(duel.lines, wanted, strict=True):
            facts = (one.difference, one.low, one.high, one.p, one.holm, one.cases, one.note)
            names = ("difference", "low", "high", "p", "p_holm", "n", "note")
            assert facts == tuple(line[name] for name in names)


def test_too_many_pairs_leave_the_worst_methods_out_and_say_so(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = build(read_all(results))
    held = duels(board, most=2)
    assert held.methods == ("simclr", "barlow_twins") and held.left_out == (RANDOM_INIT,)
    assert [(duel.first, duel.second) for duel in held.found] == [("simclr", "barlow_twins")]
    assert contestants(board) == ["simclr", "barlow_twins", RANDOM_INIT], "no stale rows"
    monkeypatch.setattr("pixvox_leaderboards.site.pages.duels", lambda board: held)
    text = Reader(pages(results)["compare.html"]).text
    assert "pairs with random_init" in text
    assert "pixvox board runs/results --compare A B" in text


def test_who_is_better_follows_the_direction(results: Path) -> None:
    (duel,) = duels(build(read_all(results)), most=2).found
    shown = {m: m for m in (duel.first, duel.second)}
    panel, _ = duel.lines[0]

    def told(difference: float, holm: float | None, *, higher: bool, note: str = "") -> Comparison:
        return Comparison(
            difference=difference,
            low=difference - 0.1,
            high=difference + 0.1,
            p=holm,
            holm=holm,
            cases=9,
            note=note,
            higher_is_better=higher,
        )

    lines = (
        told(0.2, 0.01, higher=True),
        told(0.2, 0.01, higher=False),
        told(0.2, 0.4, higher=True),
        told(0.2, None, higher=True, note="no test"),
    )
    made = replace(duel, lines=tuple((panel, one) for one in lines))
    assert [says(made, one, shown) for one in lines] == [
        "simclr better",
        "barlow_twins better",
        "no difference told",
        "no test",
    ]
    said = "Of 4 lines, simclr is better on 1, barlow_twins on 1; 2 tell no difference"
    assert summary(made, shown).startswith(said)


def test_every_cell_has_its_provenance_and_the_command_that_replays_it(
    publish: Publish, results: Path
) -> None:
    result = Result.read(publish("simclr", skill=2.0, task="toy"))
    read = Reader(pages(results)["methods/simclr.html"])
    assert f"pixvox reproduce {result.key[:12]} --results runs/results" in read.text
    assert f"cell-{result.key[:12]}" in read.names
    for told in (result.key, result.weights_sha256, "0123456789abcdef", result.path.as_posix()):
        assert told in read.text


def test_commands_quote_a_folder_for_the_shell(results: Path) -> None:
    readings = read_all(results)
    site = site_of(build(readings), readings, PurePosixPath("my results; rm -rf"))
    for name in ("compare.html", "methods/simclr.html"):
        assert "'my results; rm -rf'" in Reader(site[name]).text


def test_stale_rows_are_told_and_make_no_distribution(results: Path) -> None:
    text = Reader(pages(results)["methods/older.html"]).text
    assert "stale" in text
    assert "probability of class" not in text
    assert "probability of class 1" in Reader(pages(results)["methods/simclr.html"]).text


def test_a_collapsed_method_says_so(publish: Publish, tmp_path: Path) -> None:
    publish("simclr", collapsed=True, units="image", data={"dataset": "toy", "verified": False})
    text = Reader(pages(tmp_path / "results")["methods/simclr.html"]).text
    assert "collapsed ‡" in text
    assert "‡ collapsed, (u), (c)" in text, "and that data and patients are not vouched for"


def test_the_command_writes_the_site(results: Path, tmp_path: Path) -> None:
    COMMANDS.get("board")(results, site=tmp_path / "site")
    written = tmp_path / "site" / "index.html"
    assert b"simclr" in written.read_bytes()
    before = {file.name: file.read_bytes() for file in written.parent.rglob("*.*ml")}
    elsewhere = Path(shutil.copytree(results, tmp_path / "some other place"))
    COMMANDS.get("board")(elsewhere, site=tmp_path / "site")
    assert {file.name: file.read_bytes() for file in written.parent.rglob("*.*ml")} == before
    said = Reader(before["compare.html"]).text
    assert "board RESULTS --compare A B" in said and "RESULTS: the folder of result" in said


def test_a_folder_of_others_is_refused_before_pairs_are_held(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixvox_leaderboards.site.pages.duels", lambda board: 1 / 0)
    with pytest.raises(UserError, match="no site wrote what is there"):
        COMMANDS.get("board")(results, site=results)


def test_what_was_seen_is_said_where_no_head_stands_above(publish: Publish, tmp_path: Path) -> None:
    seen = {"state": "seen", "exact": 3, "near": 1, "n_test": 60, "ids": []}
    publish("a", contamination=seen)
    publish("b", contamination={**seen, "state": "unseen", "exact": 0, "near": 0})
    site = pages(tmp_path / "results")
    for name, cell in (("a", "3 + 1 of 60 seen"), ("b", "unseen")):
        for page in (f"methods/{name}.html", "index.html"):
            assert f'<td class="seen">{cell}</td>' in site[page].decode()
    assert 'td.seen::before { content: "test cases: "; }' in site["index.html"].decode()


def test_serving_wants_a_site(results: Path) -> None:
    with pytest.raises(UserError, match="no --site was given"):
        COMMANDS.get("board")(results, serve=True)
