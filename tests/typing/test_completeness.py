"""Every public symbol has a type that all checkers agree on, and a docstring, as ``pyright --verifytypes`` sees it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import django_ws


def test_types_are_complete_and_documented(tmp_path: Path) -> None:
    # What is verified is what was imported here, be it an editable install (whose .pth verifytypes does not follow)
    # or a wheel: a copy of it goes where it is found first.
    (package,) = map(Path, django_ws.__path__)
    shutil.copytree(package, tmp_path / "django_ws", ignore=shutil.ignore_patterns("__pycache__"))
    command = ("pyright", "--verifytypes", "django_ws", "--ignoreexternal")
    # With --verifytypes, pyright asks the first python of PATH for its packages and nothing else.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", *command, "--outputjson"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    completeness = report["typeCompleteness"]
    assert Path(completeness["packageRootDirectory"]) == tmp_path / "django_ws"
    assert (completeness["exportedSymbolCounts"]["withKnownType"]) > 500

    faults = [
        f"{symbol['name']}: {fault['message']}" for symbol in completeness["symbols"] for fault in symbol["diagnostics"]
    ]
    assert "\n".join(faults) == ""
    assert report["generalDiagnostics"] == []
    assert completeness["completenessScore"] == 1
    for count in ("missingFunctionDocStringCount", "missingClassDocStringCount", "missingDefaultParamCount"):
        assert completeness[count] == 0, count
    assert done.returncode == 0
