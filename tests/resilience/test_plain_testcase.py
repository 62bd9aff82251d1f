"""Django's test cases stay usable with a socket inside: see site/testcases.py, which Django's own runner runs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resilience.scenarios.postgres import run_postgres

NUMBER = 8
"""Of the tests there."""


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Give Django's settings of a database."""
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "database.sqlite3")}
    match request.param:
        case "sqlite-memory":
            yield sqlite
        case "sqlite-file":
            yield {**sqlite, "TEST": {"NAME": str(tmp_path / "test.sqlite3")}}
        case _:
            with run_postgres() as server:
                host = str(server.folder)
                engine = "django.db.backends.postgresql"
                yield {"ENGINE": engine, "NAME": "plain", "HOST": host, "USER": "postgres"}


# Django: the values of a database are of any type.
def test_django_runs_its_test_cases(database: dict[str, Any]) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", "test", "resilience.site.testcases"],
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=100,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "DJANGO_SETTINGS_MODULE": "resilience.site.settings",
            "RESILIENCE_DATABASE": json.dumps(database),
            "RESILIENCE_SETTINGS": json.dumps({"ALLOWED_HOSTS": ["localhost"]}),
        },
    )
    assert result.returncode == 0, result.stdout
    assert f"Ran {NUMBER} tests in " in result.stdout, result.stdout
