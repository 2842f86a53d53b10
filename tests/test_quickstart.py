"""The quickstart: from nothing to a board on which both methods beat random init, in 2D and 3D."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

from pixvox_benchmarks.result import Result, results_below


def test_quickstart_ends_with_a_board_that_shows_learning(tmp_path: Path) -> None:
    threads = {name: held for name, held in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, "-m", "pixvox_registry", "quickstart", "--out", str(tmp_path)]
    done = subprocess.run([*command, "--quiet"], capture_output=True, text=True, env=threads)
    assert done.returncode == 0, done.stderr
    for name in ("board.html", "board.png"):
        assert (tmp_path / "board" / name).stat().st_size > 1000
        assert str(tmp_path / "board" / name) in done.stderr
    with (tmp_path / "board/board.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row["metric"] == "auc"]
    auc = {(row["task"], row["protocol"], row["method"]): float(row["mean"]) for row in rows}
    assert len(auc) == 12
    for file in results_below(tmp_path / "results"):
        result = Result.read(file)
        trained = result.method != "random_init"
        assert (len(result.curves.get("loss", ())) > 1) is trained, file
    for task in ("phantom_texture_2d", "phantom_texture_3d"):
        for method in ("simclr", "barlow_twins"):
            floor = auc[task, "linear_probe", "random_init"]
            assert auc[task, "linear_probe", method] > floor, (task, method)
