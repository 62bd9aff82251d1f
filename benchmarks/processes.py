"""The parent's side: starts workers, asks them, and sees that they end."""

import json
import os
import select
import subprocess
import sys
import tempfile
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, final

from benchmarks.apps import ENGINE
from benchmarks.implementations import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from benchmarks.implementations import Implementation

__all__ = ["CLIENT_CORE", "SERVER_CORE", "Server", "Worker", "WorkerError", "application_worker", "client_worker"]

SERVER_CORE: Final = 0
CLIENT_CORE: Final = 1

_DEADLINE: Final = 180.0
"""Seconds within which a worker answers."""


class WorkerError(RuntimeError):
    """A worker failed, or did not answer; the message has its traceback or its last output."""


class Worker:
    """A process that answers lines of JSON.

    Args:
        module: What it runs, under :mod:`benchmarks.workers`.
        *arguments: Its command line.
        environment: Variables of its environment, besides our own.
    """

    def __init__(self, module: str, *arguments: object, environment: "Mapping[str, str] | None" = None) -> None:
        self._name: str = " ".join(str(one) for one in (module, *arguments))
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._process: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", f"benchmarks.workers.{module}", *(str(one) for one in arguments)],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
        )

    # A request's arguments and its result are any JSON.
    def ask(self, op: str, **arguments: Any) -> Any:
        """Send a request and wait for the answer.

        Raises:
            WorkerError: It failed.
        """
        if self._process.stdin is None:
            raise WorkerError(f"{self._name} has no standard input")
        try:
            self._process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise WorkerError(f"{self._name} has ended:\n{self._output()}") from error
        return self.read()

    # See ask().
    def read(self) -> Any:
        """Wait for an answer.

        Raises:
            WorkerError: It failed.
        """
        stdout = self._process.stdout
        if stdout is None or not select.select([stdout], [], [], _DEADLINE)[0]:
            raise WorkerError(f"{self._name} did not answer within {_DEADLINE:g} s:\n{self._output()}")
        line = stdout.readline()
        if not line:
            raise WorkerError(f"{self._name} has ended:\n{self._output()}")
        body = json.loads(line)
        if "error" in body:
            raise WorkerError(f"{self._name}:\n{body['error']}\n{self._output()}")
        return body["result"]

    def _output(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-4000:]

    def stop(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def __enter__(self) -> Self:
        """Give the worker, to be stopped at the end of the block."""
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", traceback: "TracebackType | None"
    ) -> None:
        """Stop it."""
        self.stop()


@final
class Server(Worker):
    """An implementation behind uvicorn, on the core of the servers; ask for its port before anything else.

    Args:
        measured: Which.
        engine: The URL of the Valkey that joins it with others.
    """

    def __init__(self, measured: "Implementation", engine: str | None = None) -> None:
        super().__init__("server", measured.name, SERVER_CORE, environment=None if engine is None else {ENGINE: engine})

    @cached_property
    def port(self) -> int:
        """Its port; asked for first, it waits until the server is there."""
        port: int = self.read()
        return port

    def cpu(self) -> float:
        """Give the seconds of CPU that it has used."""
        seconds: float = self.ask("cpu")
        return seconds

    def rss(self) -> int:
        """Give the bytes of memory that it holds."""
        size: int = self.ask("rss")
        return size


def application_worker(measured: "Implementation") -> Worker:
    """Start an implementation in-process, on the core of the servers."""
    return Worker("application", measured.name, SERVER_CORE)


def client_worker() -> Worker:
    """Start the client, on a core of its own."""
    return Worker("client", CLIENT_CORE)
