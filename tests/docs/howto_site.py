"""A project, and what the guides tell to do with it: blocks, shell lines, servers in processes of their own."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from docs.code_blocks import ROOT, Block, blocks_of, pages_of

__all__ = ["BLOCKS", "DEADLINE", "EXAMPLES", "Project", "Running", "free_port", "shell_lines"]

DEADLINE: Final = 60.0
EXAMPLES: Final = ROOT / "examples" / "howto"
BLOCKS: Final = [block for page in pages_of("howto") for block in blocks_of(page)]


def shell_lines(*programs: str) -> list[str]:
    """Give the lines of all shell blocks that start one of these programs, each once."""
    lines = [line for block in BLOCKS if block.language == "sh" for line in block.body.splitlines()]
    return list(dict.fromkeys(line for line in lines if line.startswith(programs)))


def block_of(name: str) -> Block:
    """Give the block that shows a file of ``examples/howto``."""
    (block,) = [block for block in BLOCKS if block.directive == "literalinclude" and block.file == EXAMPLES / name]
    return block


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """A program that serves, and its process group.

    Args:
        line: The command.
        port: Where it listens.
        project: The project in whose folder it runs.
    """

    def __init__(self, line: str, port: int, project: "Project") -> None:
        self.port: int = port
        self.name: str = line.partition(" ")[0]
        self._line: str = line
        self._log: Path = project.folder / f"{port}.log"
        with self._log.open("wb") as log:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                ["sh", "-c", f"exec {line}"],
                cwd=project.folder,
                env=project.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has written."""
        return self._log.read_text("utf-8", "replace")

    def wait(self) -> None:
        """Wait until it listens."""
        deadline = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            self._fail_late(deadline)

    def wait_until_ready(self) -> None:
        """Wait until it answers HTTP."""
        deadline = time.monotonic() + DEADLINE
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/ready/", headers={"Host": "chat.example"})
        while True:
            with contextlib.suppress(OSError), opener.open(request, timeout=5) as response:
                assert response.read() == b"ready", self.output
                return
            self._fail_late(deadline)

    def wait_for(self, text: str, start: int = 0) -> None:
        """Wait until it has written ``text``."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.output[start:]:
            self._fail_late(deadline)

    def _fail_late(self, deadline: float) -> None:
        assert self.process.poll() is None, f"{self._line} ended:\n{self.output}"
        assert time.monotonic() < deadline, f"{self._line} does not do as expected:\n{self.output}"
        time.sleep(0.05)

    def terminate(self) -> None:
        """Tell it to end, as an operator does."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it and its workers."""
        self.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


class Project:
    """A project in a folder of its own: ``tests/docs/howto``, with the routes of the examples.

    Args:
        folder: Where it is made.
        settings: Files of ``examples/howto`` that are put at the end of its settings.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder: Path = folder
        shutil.copytree(ROOT / "tests" / "docs" / "howto", folder, dirs_exist_ok=True)
        with (folder / "mysite" / "settings.py").open("a", encoding="utf-8") as file:
            for name in settings:
                file.write("\n" + (EXAMPLES / name).read_text("utf-8"))
        self.environment: dict[str, str] = {
            name: value for name, value in os.environ.items() if name not in {"DJANGO_SETTINGS_MODULE", "PYTHONPATH"}
        }
        self.environment |= {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin",
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT / 'examples'}",
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "200",
        }

    def run(self, line: str) -> str:
        """Run a command, and give what it has written."""
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout

    @contextmanager
    def serve(self, line: str, port: int | None = None) -> Iterator[Running]:
        """Start a server by a line of a page, on a port of ours, and stop it."""
        port = port or free_port()
        for file in self.folder.glob("*.toml"):
            file.write_text(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", file.read_text("utf-8")), "utf-8")
        running = Running(line.replace("8000", str(port)), port, self)
        try:
            running.wait_until_ready()
            yield running
        finally:
            running.stop()
