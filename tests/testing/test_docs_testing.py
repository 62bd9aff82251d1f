"""Every example of docs/testing.md runs: its blocks become the files that their first lines name."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Write the files, and give the environment to run them in."""
    for name, text in BLOCKS:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(text)
    (tmp_path / "chat" / "__init__.py").touch()
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])]),
        "DJANGO_SETTINGS_MODULE": "testing.client_settings",
        "CLIENT_WS_URLCONF": "chat.ws_urls",
        "CLIENT_DATABASE": json.dumps({"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}),
    }


def output_of(directory: Path, environment: dict[str, str], *command: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", *command],
        check=False,
        text=True,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=100,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_every_block_says_its_file() -> None:
    assert len(BLOCKS) == PAGE.count("```python") >= 10


def test_the_test_cases(environment: dict[str, str], tmp_path: Path) -> None:
    output = output_of(tmp_path, environment, "-m", "django", "test", "chat")
    number = sum(text.count("def test_") for name, text in BLOCKS if name == "chat/tests.py")
    assert f"Ran {number} tests in " in output, output


BY_HAND = (
    "import django\nfrom django.test.utils import setup_test_environment\n\ndjango.setup()\nsetup_test_environment()\n"
)


@pytest.mark.parametrize(("setup", "options"), [(BY_HAND, ("-p", "no:django")), ("", ())], ids=["alone", "with django"])
def test_the_tests_of_pytest(environment: dict[str, str], tmp_path: Path, setup: str, options: tuple[str, ...]) -> None:
    (tmp_path / "conftest.py").write_text(f'{setup}pytest_plugins = ["django_ws.testing.pytest"]\n')
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    files = ("chat/test_pytest.py", "chat/test_live.py")
    plugins = ("-p", "no:cacheprovider", "-p", "no:xdist", *options)
    output = output_of(tmp_path, environment, "-m", "pytest", *plugins, *files)
    assert "3 passed" in output, output
