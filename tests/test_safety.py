"""Nothing that could run a stranger's code: read from the syntax trees of every file of ours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    p
    for room in ("registry", "zoo", "benchmarks", "leaderboards")
    for p in (ROOT / room).rglob("*.py")
)
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


def faults(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [n.name for n in node.names if n.name.split(".")[0] in FORBIDDEN_MODULES]
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").split(".")[0] in FORBIDDEN_MODULES
        ):
            found.append(str(node.module))
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
        if name in FORBIDDEN_CALLS:
            found.append(name)
        if name == "torch.load" and keywords.get("weights_only") != "True":
            found.append("torch.load without weights_only=True")
        if keywords.get("allow_pickle") not in (None, "False"):
            found.append("allow_pickle")
        if name in ("np.load", "numpy.load") and "allow_pickle" not in keywords:
            found.append("np.load without allow_pickle=False")
        if name in ("yaml.load", "yaml.unsafe_load", "yaml.full_load"):
            found.append(name)
        if keywords.get("shell") == "True":
            found.append("shell=True")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_unsafe_loading(file: Path) -> None:
    assert faults(file.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "torch.load('x')",
        "np.load('x')",
        "np.load('x', allow_pickle=True)",
        "yaml.load(x)",
        "eval('1')",
        "subprocess.run('ls', shell=True)",
    ],
)
def test_the_watchman_is_awake(source: str) -> None:
    assert faults(source)
