"""The code of docs/interop.md is that of the project which the other tests run, and starts as a server starts it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

for needed in ("channels", "rest_framework", "ninja", "fastapi", "opentelemetry.instrumentation.asgi"):
    pytest.importorskip(needed, reason="a package of the test group is not installed")

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "interop.md").read_text("utf-8")
SHOWN: list[tuple[str, str]] = re.findall(r"<!-- from: ([\w/.]+) -->\n\n```python\n(.*?)```", PAGE, re.DOTALL)


def plain(code: str) -> str:
    """Leave out what is there for type checkers and maintainers, and where the project lies."""
    code = re.sub(r"  # (type: ignore|noqa).*", "", code)
    code = re.sub(r"^ *#.*\n", "", code, flags=re.MULTILINE)
    return code.replace("interop.mysite", "mysite")


@pytest.mark.parametrize(("name", "code"), SHOWN)
def test_what_is_shown_is_what_is_tested(name: str, code: str) -> None:
    assert code.strip()
    assert plain(code).strip() in plain((HERE / name).read_text("utf-8"))


def test_no_code_is_shown_that_is_not_tested() -> None:
    assert PAGE.count("```") == 2 * len(SHOWN)


def test_each_application_of_the_project_is_shown() -> None:
    applications = {f"mysite/{path.name}" for path in (HERE / "mysite").glob("asgi_*.py")}
    assert len(applications) == 6
    assert applications == {name for name, _ in SHOWN if name.startswith("mysite/asgi_")}


@pytest.mark.parametrize("name", sorted(path.stem for path in (HERE / "mysite").glob("asgi_*.py")))
def test_each_application_can_be_the_first_that_is_imported(name: str) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "interop.mysite.settings_whole"}
    command = [sys.executable, "-W", "error", "-c", f"from interop.mysite.{name} import application"]
    ran = subprocess.run(
        command, check=False, cwd=HERE.parent, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))))
def test_a_file_that_is_named_exists(name: str) -> None:
    assert (HERE.parents[1] / name).is_file()
