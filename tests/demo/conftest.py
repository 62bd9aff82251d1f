"""The demo in a process of its own, as `make demo` starts it: migrate, then uvicorn."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "examples" / "demo"
PATIENCE = 30  # seconds, for a machine that is busy with other tests


def environment(database: Path) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**environ, "DEMO_DATABASE": str(database), "PYTHONUNBUFFERED": "1"}


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        raise
    except OSError:
        return False


@contextmanager
def uvicorn(database: Path, port: int) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "demo.asgi:application", "--port", str(port)]
    log = database.with_suffix(".log")
    with log.open("a") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment(database), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not answers(url):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="module")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("demo") / "demo.sqlite3"
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=PROJECT,
        env=environment(database),
        check=True,
        timeout=60,
    )
    return database


@pytest.fixture(scope="module")
def run_demo(demo_database: Path) -> Callable[[int], AbstractContextManager[str]]:
    """Gives what starts the demo on a port, and stops it; its value is the address."""
    return lambda port: uvicorn(demo_database, port)


@pytest.fixture(scope="module")
def demo_url(run_demo: Callable[[int], AbstractContextManager[str]], free_port: Callable[[], int]) -> Iterator[str]:
    with run_demo(free_port()) as url:
        yield url
