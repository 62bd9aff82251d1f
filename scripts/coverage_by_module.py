# ruff: noqa: INP001 - a script, not a module of a package
"""Hold every module to 100 % line and branch coverage from its own test file alone.

The test file of ``src/django_ws/a/b.py`` is ``tests/a/test_b.py``, that of the façade, ``src/django_ws/__init__.py``,
is ``tests/test_exports.py``. A module that holds nothing to run (imports, aliases, Protocols) needs no test file.

    python scripts/coverage_by_module.py [part of a module's name ...]
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src" / "django_ws"
TESTS: Final = ROOT / "tests"
PARALLEL: Final = 2
PLUGINS_OFF: Final = ("-p", "no:xdist", "-p", "no:cacheprovider")


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the package and the test file that is its own."""

    path: Path
    test: Path
    exempt: str
    """Why it needs no test file; empty where it needs one."""

    @property
    def name(self) -> str:
        """Dotted, without the package: ``protocol.machine``."""
        parts = self.path.relative_to(SOURCE).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__") or "__init__"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one module's run found; no fault means 100 %."""

    percent: float
    seconds: float
    fault: str


class _Totals(TypedDict):
    percent_covered: float


class _FileReport(TypedDict):
    missing_lines: list[int]
    missing_branches: list[tuple[int, int]]


class _Report(TypedDict):
    totals: _Totals
    files: dict[str, _FileReport]


def find_modules() -> list[Module]:
    """Find the modules of the package, each with its test file."""
    return [Module(path, _test_of(path), _exemption(path)) for path in sorted(SOURCE.rglob("*.py"))]


def _test_of(path: Path) -> Path:
    relative = path.relative_to(SOURCE)
    stem = "exports" if path.stem == "__init__" else path.stem
    return TESTS / relative.parent / f"test_{stem}.py"


def _exemption(path: Path) -> str:
    """Give the reason for which there is nothing to run in a module, if there is one."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    if all(_declares(statement, protocols=False) for statement in body):
        return "only imports, re-exports and aliases"
    if all(_declares(statement, protocols=True) for statement in body):
        return "only Protocols and aliases"
    return ""


def _declares(statement: ast.stmt, *, protocols: bool) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.AnnAssign(target=ast.Name(id="__all__")):
            return True
        case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
            return all(_declares(inner, protocols=protocols) for inner in orelse)
        case ast.ClassDef(bases=bases) if protocols:
            return any(ast.unparse(base).partition("[")[0] == "Protocol" for base in bases)
        case _:
            return False


def measure(module: Module, workspace: Path) -> Outcome:
    """Run one module's test file and measure that module, in a process of its own."""
    begun = time.monotonic()
    settings = workspace / f"{module.name}.ini"
    settings.write_text(_settings(module, workspace / f"{module.name}.data"), encoding="utf-8")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    # A folder of its own: two that clean up after earlier runs in the common one get into each other's way.
    folder = f"--basetemp={tempfile.mkdtemp(dir=workspace)}"
    tests = _run(
        ["run", f"--rcfile={settings}", "-m", "pytest", "-q", "--no-header", *PLUGINS_OFF, folder, str(module.test)],
        environment,
    )
    if tests.returncode:
        return Outcome(0.0, time.monotonic() - begun, f"its tests fail\n{_end_of(tests)}")
    output = workspace / f"{module.name}.json"
    made = _run(["json", f"--rcfile={settings}", "-q", "-o", str(output)], environment)
    if made.returncode:
        return Outcome(0.0, time.monotonic() - begun, f"no report\n{_end_of(made)}")
    report: _Report = json.loads(output.read_text(encoding="utf-8"))
    return Outcome(report["totals"]["percent_covered"], time.monotonic() - begun, _missing(report))


def _run(arguments: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter and arguments
        [sys.executable, "-m", "coverage", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _end_of(process: subprocess.CompletedProcess[str]) -> str:
    lines = f"{process.stdout}{process.stderr}".splitlines()
    return "\n".join(f"          {line}" for line in lines[-12:])


def _settings(module: Module, data: Path) -> str:
    """Give coverage's settings for one module: the project's exclusions, that file alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    excluded: list[str] = project["tool"]["coverage"]["report"]["exclude_also"]
    return "\n".join(
        [
            "[run]",
            "branch = true",
            f"data_file = {data}",
            f"include = {module.path}",
            "[report]",
            "exclude_also =",
            *[f"    {pattern}" for pattern in excluded],
            "",
        ]
    )


def _missing(report: _Report) -> str:
    faults: list[str] = []
    for found in report["files"].values():
        lines = found["missing_lines"]
        if lines:
            faults.append(f"lines {', '.join(map(str, lines))}")
        branches = [f"{start}->{end}" for start, end in found["missing_branches"] if start not in lines]
        if branches:
            faults.append(f"branches {', '.join(branches)}")
    return f"not covered: {'; '.join(faults)}" if faults else ""


def main(wanted: Sequence[str]) -> int:
    """Measure all modules, or those whose name holds one of ``wanted``; give the exit status."""
    modules = [module for module in find_modules() if not wanted or any(part in module.name for part in wanted)]
    begun = time.monotonic()
    red: list[str] = []
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(PARALLEL) as pool:
        runs = [pool.submit(measure, module, Path(directory)) if module.test.exists() else None for module in modules]
        for module, run in zip(modules, runs, strict=True):
            if run is None:
                if module.exempt:
                    _say(f"  --    {module.name:<28} exempt: {module.exempt}")
                else:
                    red.append(module.name)
                    _say(f"  RED   {module.name:<28} has no test file {module.test.relative_to(ROOT)}")
                continue
            outcome = run.result()
            if outcome.fault:
                red.append(module.name)
            colour = "RED" if outcome.fault else "ok"
            _say(f"  {colour:<5} {module.name:<28} {outcome.percent:5.1f} % {outcome.seconds:5.1f} s  {outcome.fault}")
    _say(f"{len(modules)} modules in {time.monotonic() - begun:.0f} s")
    if red:
        _say(f"NOT covered by their own test file: {', '.join(red)}")
    return 1 if red else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line.rstrip()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
