"""The client inside of Django's test cases: see client_testcases.py, which Django's own runner runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NUMBER = 11
"""Of the tests there."""


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_django_runs_its_test_cases(kind: str, tmp_path: Path) -> None:
    name = str(tmp_path / "database.sqlite3")
    test = {} if kind == "memory" else {"TEST": {"NAME": str(tmp_path / "test.sqlite3")}}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", "test", "testing.client_testcases"],
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=100,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "DJANGO_SETTINGS_MODULE": "testing.client_settings",
            "CLIENT_DATABASE": json.dumps({"ENGINE": "django.db.backends.sqlite3", "NAME": name, **test}),
        },
    )
    assert result.returncode == 0, result.stdout
    assert f"Ran {NUMBER} tests in " in result.stdout, result.stdout
