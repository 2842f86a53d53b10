"""The same files give the same bytes, whatever their order or place."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any

import matplotlib
import matplotlib.image
import pandas
import pytest

from pixvox_benchmarks.result import Result, results_below
from pixvox_leaderboards import families_page, outputs
from pixvox_leaderboards.board import Board, build
from pixvox_leaderboards.html import page
from pixvox_leaderboards.markdown import LONG, markdown, summary
from pixvox_leaderboards.picture import png
from pixvox_leaderboards.reading import read_all
from pixvox_leaderboards.records import as_json
from pixvox_leaderboards.site.pages import site_of
from pixvox_registry import COMMANDS, UserError

Publish = Callable[..., Path]
FORMS = {f"board.{form}" for form in ("md", "csv", "json", "png", "html")}
FORMS |= {"ranks.png", "families.md"}


@pytest.fixture
def results(publish: Publish, tmp_path: Path) -> Path:
    """Two tasks, three methods, two seeds; one cell missing, one stale."""
    for task in ("toy", "play"):
        for seed in (0, 1):
            publish("random_init", skill=0.2, seed=seed, task=task)
            publish("simclr", skill=2.0, seed=seed, task=task)
    publish("barlow_twins", skill=1.0, task="toy")
    publish("older", task="toy", task_version="0")
    return tmp_path / "results"


def forms(results: Path, out: Path) -> dict[str, bytes]:
    return {f.name: f.read_bytes() for f in outputs.write(build(read_all(results)), out)}


def test_same_bytes_twice_and_elsewhere(results: Path, tmp_path: Path) -> None:
    first = forms(results, tmp_path / "a")
    assert first.keys() == FORMS
    for number, file in enumerate(reversed(results_below(results))):  # other names, other order
        elsewhere = tmp_path / "elsewhere" / f"{number}"
        elsewhere.mkdir(parents=True)
        for beside in (file, Result.read(file).cases_file(file)):
            shutil.copy(beside, elsewhere)
    assert forms(tmp_path / "elsewhere", tmp_path / "b") == first


def test_a_copy_within_the_folder_changes_nothing(results: Path, tmp_path: Path) -> None:
    first = forms(results, tmp_path / "a")
    shutil.copytree(results / "toy", results / "copied")
    assert forms(results, tmp_path / "b") == first


def test_nobodys_settings_reach_the_picture(results: Path, tmp_path: Path) -> None:
    first = forms(results, tmp_path / "a")
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "red"}):
        assert forms(results, tmp_path / "b") == first


def test_markdown_shows_dash_stale_and_legend(results: Path) -> None:
    text = markdown(build(read_all(results)))
    line = next(line for line in text.splitlines() if line.startswith("| barlow_twins"))
    assert "—" in line, "no cell on task play"
    assert "*stale*" in text
    assert "72,000 cases seen" in text, "budgets are shown"
    assert "60/60" in text, "what was scored, of what was expected"
    assert "95 % interval over cases" in text


@pytest.mark.parametrize(
    ("seeds", "said"), [((1, 1), "one seed"), ((3, 3), "3 seeds"), ((1, 3), "1 to 3 seeds")]
)
def test_every_budget_says_how_many_seeds(
    publish: Publish, tmp_path: Path, seeds: tuple[int, int], said: str
) -> None:
    publish("older", task_version="0", seed=7)
    for method, count in zip(("a", "b"), seeds, strict=True):
        for seed in range(count):
            publish(method, seed=seed)
    readings = read_all(tmp_path / "results")
    board = build(readings)
    site = site_of(board, readings, PurePosixPath("RESULTS"))["index.html"].decode()
    texts = markdown(board), page(board), families_page.page(board, {}, {}), site
    assert [text.count(f"; {said} per score.") for text in texts] == [1, 1, 1, 1]
    assert f"; {said} per score." in summary(board, None)


def test_a_record_names_the_random_init_that_it_is_held_against(
    publish: Publish, tmp_path: Path
) -> None:
    plugins = {"backbone/same": "1", "protocol/knn_probe": "1"}
    publish("random_init", skill=0.3)
    publish("random_init_same", skill=0.2, plugins=plugins)
    publish("a", plugins=plugins)
    made = json.loads(as_json(build(read_all(tmp_path / "results"))))["records"]
    named = {one["method"]: one["random_init"] for one in made if one["ranks"]}
    assert named == {"a": "random_init_same", "random_init": None, "random_init_same": None}


def test_a_panel_without_random_init_says_so(publish: Publish, tmp_path: Path) -> None:
    sentence = "so no row can be marked “not better than random init”"
    for task in ("play", "toy"):
        publish("simclr", task=task)
    publish("random_init", skill=0.2, task="play")
    board = build(read_all(tmp_path / "results"))
    bare = markdown(board).partition("### toy")
    assert sentence not in bare[0]
    assert sentence in bare[2]
    assert page(board).count(sentence) == 1
    publish("random_init", skill=0.2, task="toy")
    board = build(read_all(tmp_path / "results"))
    assert sentence not in markdown(board) + page(board)


def test_a_folder_of_weights_is_called_by_its_run(publish: Publish, tmp_path: Path) -> None:
    whole, part = (
        f"weights:runs/joint/runs/mean-s{{seed}}/weights{end}" for end in ("", "_slices")
    )
    for method in (whole, part):
        publish(method)
    board = build(read_all(tmp_path / "results"))
    for text in (markdown(board), page(board)):
        assert "mean (slices)" in text and "weights:" not in text
    kept = {
        f.name: f.read_text() for f in outputs.write(board, tmp_path / "a") if f.suffix != ".png"
    }
    assert whole in kept["board.csv"] and part in kept["board.json"]


def test_the_only_random_init_is_the_floor_that_is_drawn(publish: Publish, tmp_path: Path) -> None:
    def floor() -> str | None:
        (panel,) = build(read_all(tmp_path / "results")).panels
        assert panel.has_floor
        return panel.floor and panel.floor.method

    publish("random_init_vit", skill=0.3)
    assert floor() == "random_init_vit"
    publish("random_init_swin", skill=0.2)
    assert floor() is None
    publish("random_init", skill=0.2)
    assert floor() == "random_init"


def test_noted_intervals_bear_a_sign(publish: Publish, tmp_path: Path) -> None:
    publish("simclr")
    sound = build(read_all(tmp_path / "results"))
    assert "]§" not in markdown(sound) + page(sound)
    noted = replace_estimates(sound, note="the score is biased")
    assert "]§" in markdown(noted)
    assert 'title="the score is biased"' in page(noted)
    assert png(noted) != png(sound)
    assert "§ the interval has a note" in markdown(noted)


def replace_estimates(board: Board, **changes: Any) -> Board:
    (panel,) = board.panels
    rows = tuple(
        replace(row, estimates={n: replace(e, **changes) for n, e in row.estimates.items()})
        for row in panel.rows
    )
    return replace(board, panels=(replace(panel, rows=rows),))


def test_json_and_csv_say_the_same(results: Path, tmp_path: Path) -> None:
    made = forms(results, tmp_path / "a")
    records = json.loads(made["board.json"])["records"]
    frame = pandas.read_csv(io.BytesIO(made["board.csv"]))
    assert len(frame) == len(records) == 12  # six rows of two metrics
    assert frame["mean"].tolist() == [record["mean"] for record in records]
    assert frame["method"].tolist() == [record["method"] for record in records]
    assert all(record["keys"] for record in records)


def test_picture_is_one(results: Path, tmp_path: Path) -> None:
    picture = matplotlib.image.imread(io.BytesIO(forms(results, tmp_path / "a")["board.png"]))
    assert picture.shape[0] > 300
    assert picture.std() > 0.05, "not a blank page"


def test_page_is_whole_and_asks_nobody(publish: Publish, tmp_path: Path) -> None:
    publish("<script>alert(1)</script>")
    page = forms(tmp_path / "results", tmp_path / "a")["board.html"].decode()
    assert "http" not in page
    assert "<script" not in page

    class Balance(HTMLParser):
        open: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "meta":
                self.open.append(tag)

        def handle_startendtag(self, tag: str, attrs: object) -> None: ...

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Balance()
    parser.feed(page)
    assert parser.open == []


def test_readme_keeps_all_but_the_board(results: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("above\n<!-- board:begin -->\nyesterday\n<!-- board:end -->\nbelow\n")
    COMMANDS.get("board")(results, out=tmp_path / "boards", readme=readme)
    once = readme.read_text()
    assert once.startswith("above\n<!-- board:begin -->")
    assert once.endswith("<!-- board:end -->\nbelow\n")
    assert "yesterday" not in once
    assert "(boards/board.png)" in once
    COMMANDS.get("board")(results, out=tmp_path / "boards", readme=readme)
    assert readme.read_text() == once


def test_readme_folds_long_tables_alone(publish: Publish, tmp_path: Path) -> None:
    for number in range(LONG):
        publish(f"method_{number}", skill=number / LONG)
    publish("method_0", task="other")
    readme, results = tmp_path / "README.md", tmp_path / "results"
    readme.write_text("<!-- board:begin --><!-- board:end -->")
    COMMANDS.get("board")(results, out=tmp_path / "boards", readme=readme)
    assert "<details>" not in readme.read_text()
    publish("one_more", protocol="linear_probe")
    publish("one_more")
    COMMANDS.get("board")(results, out=tmp_path / "boards", readme=readme)
    folded, shown = readme.read_text().split("</details>\n")
    head, table = folded.split("</summary>\n\n| knn_probe ")
    assert head.endswith("<summary><code>knn_probe</code>: all 13 rows on other, toy")
    assert [line.split()[1] for line in table.splitlines()[2:-1]].count("one_more") == 1
    assert "| linear_probe " in shown


def test_readme_without_marks_is_left_alone(results: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- board:end --> only")
    with pytest.raises(UserError, match="board:begin"):
        COMMANDS.get("board")(results, readme=readme)
    assert readme.read_text() == "<!-- board:end --> only"


def test_command_prints_one_document(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    COMMANDS.get("board")(results)
    assert capsys.readouterr().out.startswith("# PixVox board")
    COMMANDS.get("board")(results, json=True)
    assert json.loads(capsys.readouterr().out)["results"] == 10
