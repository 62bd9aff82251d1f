"""Other processes: what they publish arrives here, what is published here arrives there, and a fork harms nobody."""

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from unittest import SkipTest

from django_ws.testing.brokers.base import ConformanceBase, channel, must, payloads_of, take, take_until

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ProcessConformance"]

_PUBLISH = """
for number in range(100):
    broker.publish([(sys.argv[1], b"%d" % number)])
broker.close()
"""
_FORK = """
import os
broker.publish([(sys.argv[1], b"before")])
child = os.fork()
if child == 0:
    broker.publish([(sys.argv[1], b"child")])
    broker.close()
    os._exit(0)
status = os.waitpid(child, 0)[1]
broker.publish([(sys.argv[1], b"parent")])
broker.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""
_HEAR = """
import asyncio
async def main():
    link = await broker.connect()
    await link.subscribe([sys.argv[1]])
    print("ready", flush=True)
    heard = []
    while len(heard) < 100:
        heard += [payload.decode() for _, payload in await link.receive()]
    print(",".join(heard), flush=True)
    await link.close()
    broker.close()
asyncio.run(main())
"""


class ProcessConformance(ConformanceBase):
    """Tests with processes of their own."""

    def recipe(self) -> str:
        """Give Python source that makes ``broker`` in a process of its own, which has this one's environment."""
        module, _, name = self.backend.rpartition(".")
        return f"from {module} import {name}\nbroker = {name}({self.location!r}, {dict(self.options)!r})\n"

    async def test_another_process_publishes(self) -> None:
        """Publish from a process without an event loop, as a worker of a task queue does."""
        self._needs_processes()
        name = channel()
        async with self._clients() as clients:
            ear = await clients.link(name)
            await clients.in_thread(lambda: self._finish(self._process(_PUBLISH, name)))
            heard = payloads_of(await take(ear, 100, self.seconds))
            must(heard == [b"%d" % number for number in range(100)], f"out of order: {heard}")

    async def test_another_process_hears(self) -> None:
        """Publish here, to a link of another process."""
        self._needs_processes()
        name = channel()
        async with self._clients() as clients:
            mouth = await clients.link()
            process = self._process(_HEAR, name)
            try:
                line = await clients.in_thread(lambda: _line(process))
                must(line == "ready", f"the other process says {line!r}")
                async with asyncio.TaskGroup() as group:
                    for start in range(0, 100, 10):
                        batch = [(name, b"%d" % number) for number in range(start, start + 10)]
                        await clients.soon(mouth.publish(batch))
                    heard = group.create_task(clients.in_thread(lambda: _line(process)))
                must(heard.result() == ",".join(map(str, range(100))), f"out of order: {heard.result()}")
            finally:
                await clients.in_thread(lambda: self._finish(process))

    async def test_a_broker_that_has_published_survives_a_fork(self) -> None:
        """Fork after publishing, as preforking servers do, and publish in both processes."""
        self._needs_processes()
        if not self.forks or not hasattr(os, "fork"):
            raise SkipTest("nothing forks here")
        name = channel()
        async with self._clients() as clients:
            ear = await clients.link(name)
            await clients.in_thread(lambda: self._finish(self._process(_FORK, name)))
            heard = payloads_of(await take_until(ear, (name, b"parent"), self.seconds))
            must(heard == [b"before", b"child"], f"{heard} came instead of what was published before and in the fork")

    def _process(self, source: str, *arguments: str) -> "subprocess.Popen[str]":
        command: Sequence[str] = [sys.executable, "-c", f"import sys\n{self.recipe()}{source}", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own interpreter and source

    def _finish(self, process: "subprocess.Popen[str]") -> None:
        try:
            _, errors = process.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            _, errors = process.communicate()
        must(process.returncode == 0, f"the other process ends with {process.returncode}: {errors}")


def _line(process: "subprocess.Popen[str]") -> str:
    return "" if process.stdout is None else process.stdout.readline().strip()
