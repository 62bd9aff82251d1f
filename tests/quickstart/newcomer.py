"""A newcomer: an environment with nothing in it, a new project, and the README read line by line."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0
"""Seconds within which anything happens but an installation."""
SERVES = "python manage.py runserver"
"""The line that ends with Ctrl+C alone."""


@dataclass(frozen=True)
class Block:
    """A block of code of the README."""

    language: str
    code: str

    def lines(self) -> list[str]:
        return [line for line in self.code.splitlines() if line.strip()]


def blocks(heading: str) -> list[Block]:
    """Give the blocks of the section under a heading of the README, up to the next heading."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, section = text.partition(f"\n{heading}\n")
    # A line that begins with # in a block of code is no heading, and none here has a blank line before and behind.
    section = re.split(r"\n\n##+ .*\n\n", section, maxsplit=1)[0]
    found = [
        Block(match[1], match[2]) for match in re.finditer(r"^```(\w+)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    ]
    assert found, f"the README has no code under {heading!r}"
    return found


class Environment:
    """A virtual environment of its own; pip finds our wheel there, and Django in the version of this environment."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "venv" / "bin"
        self.variables = {
            name: value for name, value in os.environ.items() if name not in {"DJANGO_SETTINGS_MODULE", "PYTHONPATH"}
        }
        self.variables |= {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "PIP_NO_CACHE_DIR": "1"}
        self.variables |= {"PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "COLUMNS": "80"}
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=DEADLINE)
        wheels = folder / "wheels"
        self.run(f"pip wheel --quiet --no-deps --wheel-dir {wheels} {ROOT}", folder, 200)
        (wheel,) = wheels.glob("django_ws-*.whl")
        self.wheel = wheel
        constraints = folder / "constraints.txt"
        version = wheel.name.split("-")[1]
        constraints.write_text(f"django-ws=={version}\nDjango=={django.get_version()}\n", encoding="utf-8")
        self.variables["PIP_FIND_LINKS"] = f"{wheels} {os.environ.get('PIP_FIND_LINKS', '')}"
        self.variables["PIP_CONSTRAINT"] = str(constraints)

    def start(self, line: str, cwd: Path, output: Path) -> "subprocess.Popen[bytes]":
        with output.open("wb") as file:
            return subprocess.Popen(
                ["sh", "-c", f"exec {line}"],
                cwd=cwd,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, line: str, cwd: Path, seconds: float = DEADLINE, stdin: str = "") -> str:
        """Run a line of a shell that must succeed, and give what it said."""
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=cwd,
            env=self.variables,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout


class Newcomer:
    """One project, and what the newcomer has seen of it."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self.project = folder / "mysite"
        self.seen: dict[str, str] = {}
        # It is there before Django-ws is: an existing project.
        environment.run(f"pip install --quiet Django=={django.get_version()}", folder, 200)
        environment.run("django-admin startproject mysite", folder)

    def follow(self, block: Block) -> None:
        """Do what a block says, up to the server."""
        if block.language == "python":
            self._write(block.code)
            return
        assert block.language == "sh"
        for line in block.lines():
            if line != SERVES:
                self.seen[line] = self.run(line, 200)

    def run(self, line: str, seconds: float = DEADLINE, stdin: str = "") -> str:
        return self._environment.run(line, self.project, seconds, stdin)

    def _write(self, code: str) -> None:
        """Write a file; its first line says which, and whether it is to be written at the end of what is there."""
        told, _, _ = code.partition("\n")
        match = re.fullmatch(r"# (\S+\.py)(, at its end|, beside urls\.py)?", told)
        assert match is not None, told
        path = self.project / match[1]
        assert path.exists() == (path.name in {"asgi.py", "settings.py"})
        before = path.read_text(encoding="utf-8") if match[2] == ", at its end" else ""
        path.write_text(f"{before}{code}", encoding="utf-8")

    @contextlib.contextmanager
    def serving(self) -> Iterator[int]:
        """Run the README's server, on a free port, and give that."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        output = self._folder / "server.log"
        process = self._environment.start(f"{SERVES} {port}", self.project, output)
        try:
            deadline = time.monotonic() + DEADLINE
            while True:
                assert process.poll() is None, output.read_text()
                assert time.monotonic() < deadline, output.read_text()
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield port
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(DEADLINE) == 0, output.read_text()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE)
