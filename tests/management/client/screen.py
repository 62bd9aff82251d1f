"""A program in a terminal of its own, and what stands on its screen."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte

CONTROLLED = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Makes its terminal the one whose Ctrl+C is a signal."""

DEADLINE = 40.0
"""Seconds within which anything happens, on a busy machine."""


class Screen:
    """Run a command in a pseudo-terminal.

    Args:
        command: What is run.
        cwd: Where.
        environment: All of it.
        size: Columns and lines.
    """

    def __init__(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], size: tuple[int, int] = (80, 24)
    ) -> None:
        columns, lines = size
        self._screen = pyte.HistoryScreen(columns, lines, history=2000)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._changed = threading.Condition()
        self._ended = False
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._master = master
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, *command],
            cwd=cwd,
            env={**environment, "TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""
            with self._changed:
                self.raw += data
                self._stream.feed(data)
                self._ended = not data
                # The question where the cursor is, which terminals answer.
                if b"\x1b[6n" in data:
                    answer = f"\x1b[{self._screen.cursor.y + 1};{self._screen.cursor.x + 1}R"
                    with contextlib.suppress(OSError):
                        os.write(self._master, answer.encode())
                self._changed.notify_all()
            if not data:
                return

    @property
    def lines(self) -> list[str]:
        """What stands there and what has been scrolled away, the oldest first, blank lines at the end left out."""
        above = ["".join(row[x].data for x in range(self._screen.columns)).rstrip() for row in self._screen.history.top]
        return "\n".join([*above, *(line.rstrip() for line in self._screen.display)]).rstrip().split("\n")

    def color_of(self, text: str) -> str:
        """Give the colour of the last place of ``text`` on the screen."""
        for y in range(self._screen.lines - 1, -1, -1):
            x = self._screen.display[y].rfind(text)
            if x >= 0:
                color: str = self._screen.buffer[y][x].fg
                return color
        raise AssertionError(f"{text!r} is not on the screen: {self.lines}")

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until it has been shown so often."""
        deadline = time.monotonic() + DEADLINE
        with self._changed:
            while "\n".join(self.lines).count(text) < times:
                left = deadline - time.monotonic()
                if self._ended or left <= 0 or not self._changed.wait(left):
                    raise AssertionError(f"{text!r} was not shown:\n" + "\n".join(self.lines))

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait for the end, and give the exit status."""
        status = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return status

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        os.close(self._master)
