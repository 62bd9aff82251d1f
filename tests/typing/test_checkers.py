"""What users write, judged by four type checkers.

``positive/`` holds what must be free of errors. In ``negative/``, the lines that must fail are marked: ``# E`` where
every checker must say so, ``# E[mypy,pyright]`` where only these can, ``# E[]`` where none can. No other line may fail.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
POSITIVE = sorted((HERE / "positive").glob("*.py"))
NEGATIVE = sorted((HERE / "negative").glob("*.py"))
FILES = [*POSITIVE, *NEGATIVE]

Verdicts: TypeAlias = Iterator[tuple[str, int, str]]
"""File, line, and what is wrong there."""


def run(*command: str | Path, **environment: str) -> str:
    """Run a checker, which says by 0 or 1 that it has done its work."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode in {0, 1}, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def script(name: str) -> Path:
    return Path(sysconfig.get_path("scripts")) / name


def mypy(tmp_path: Path) -> Verdicts:
    options = ("--cache-dir", tmp_path / "cache", "--output", "json", "--no-error-summary")
    for line in run(sys.executable, "-m", "mypy", *options, *FILES).splitlines():
        error: dict[str, Any] = json.loads(line)
        if error["severity"] == "error":
            yield error["file"], error["line"], f"{error['message']} [{error['code']}]"


def pyright(tmp_path: Path) -> Verdicts:
    # Files named on the command line would make it forget its configuration.
    with (ROOT / "pyproject.toml").open("rb") as file:
        own: dict[str, Any] = tomllib.load(file)["tool"]["pyright"]
    include = [os.path.relpath(HERE / folder, tmp_path) for folder in ("positive", "negative")]
    config = {**own, "include": include, "venvPath": None, "venv": None}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config), "utf-8")
    options = ("--project", tmp_path, "--pythonpath", sys.executable, "--outputjson")
    for error in json.loads(run(sys.executable, "-m", "pyright", *options))["generalDiagnostics"]:
        if error["severity"] in {"error", "warning"}:
            yield error["file"], error["range"]["start"]["line"] + 1, f"{error['message']} [{error.get('rule')}]"


def ty(_: Path) -> Verdicts:
    out = run(script("ty"), "check", "--python", sys.executable, "--output-format", "concise", *FILES, NO_COLOR="1")
    for line in out.splitlines():
        error = re.fullmatch(r"(.+?):(\d+):\d+: ((?:error|warning)\[.*)", line)
        if error is not None:
            yield error[1], int(error[2]), error[3]


def pyrefly(_: Path) -> Verdicts:
    options = ("--python-interpreter-path", sys.executable, "--output-format", "json")
    for error in json.loads(run(script("pyrefly"), "check", *options, *FILES))["errors"]:
        if error["severity"] == "error":
            yield error["path"], error["line"], f"{error['description']} [{error['name']}]"


CHECKERS: dict[str, Callable[[Path], Verdicts]] = {"mypy": mypy, "pyright": pyright, "ty": ty, "pyrefly": pyrefly}
MARK = re.compile(r"# E(?:\[([a-z,]*)\])?$")


def marks(file: Path) -> Iterator[tuple[int, set[str]]]:
    """Give every marked line of a file, and the checkers that must find it wrong."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        mark = MARK.search(line)
        if mark is not None:
            yield number, set(CHECKERS) if mark[1] is None else set(filter(None, mark[1].split(",")))


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_checker_finds_what_is_wrong_and_nothing_else(checker: str, tmp_path: Path) -> None:
    found: dict[tuple[Path, int], list[str]] = {}
    for name, line, message in CHECKERS[checker](tmp_path):
        found.setdefault(((ROOT / name).resolve(), line), []).append(message)
    wanted = {(file, line) for file in NEGATIVE for line, names in marks(file) if checker in names}
    extra = [f"{file}:{line}: {' | '.join(found[file, line])}" for file, line in sorted(found.keys() - wanted)]
    missing = [f"{file}:{line}: must fail, but does not" for file, line in sorted(wanted - found.keys())]
    assert "\n".join([*extra, *missing]) == ""


def test_marks_are_spelt_right() -> None:
    for file in FILES:
        lines = dict(marks(file))
        assert bool(lines) == (file in NEGATIVE), file
        for number, names in lines.items():
            assert names <= set(CHECKERS), f"{file}:{number}"
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            assert "# E" not in line or number in lines, f"{file}:{number}: a mark stands at the end of its line"


@pytest.mark.parametrize("file", POSITIVE, ids=lambda file: file.stem)
def test_what_is_right_can_be_imported(file: Path) -> None:
    """Types that no run time agrees with would prove nothing."""
    code = compile(file.read_text("utf-8"), str(file), "exec")
    exec(code, {"__name__": f"positive_{file.stem}"})
