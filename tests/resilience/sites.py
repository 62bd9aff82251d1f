"""The project in a real server, and its ledger, read over HTTP."""

import asyncio
import contextlib
import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from resilience.site.reading import Reading
from servers.habits import Habits
from servers.harness import Server

__all__ = ["Site", "site"]

ALONE: Final = 3
"""Readings of each worker process of which the lowest counts."""

_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Site(Server):
    """A server that runs the project.

    Args:
        habits: Which server.
        folder: Where its journal, its output and its SQLite file go.
        database: Django's settings of the database; by default SQLite in ``folder``.
        settings: More settings of Django, such as those of django-ws; JSON.
        arguments: More arguments of the server's command line.
        environment: More of it.
    """

    # Django: settings are of any type.
    def __init__(
        self,
        habits: Habits,
        folder: Path,
        *,
        database: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.database: dict[str, Any] = dict(
            database or {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "database.sqlite3")}
        )
        super().__init__(
            habits,
            folder,
            application="resilience.site.asgi:application",
            settings="resilience.site.settings",
            arguments=arguments,
            environment={
                "RESILIENCE_DATABASE": json.dumps(self.database),
                "RESILIENCE_SETTINGS": json.dumps(dict(settings or {})),
                **(environment or {}),
            },
        )

    def get(self, path: str) -> bytes:
        """Make one HTTP request, on a connection of its own."""
        with _OPENER.open(f"http://127.0.0.1:{self.port}/{path}", timeout=20) as response:
            body: bytes = response.read()
            return body

    def read(self) -> Reading:
        """Read the ledger (of whichever worker answers, if there are several)."""
        return Reading(**json.loads(self.get("ledger/")))

    async def reading(self) -> Reading:
        """Read the ledger, without holding the event loop up."""
        return await asyncio.to_thread(self.read)

    async def settled(self, base: Reading, seconds: float = 20.0) -> Reading:
        """Wait until nothing is left of what came after ``base``, and give the last reading, settled or not.

        What a server does after an application has ended (its own time-outs for closing) is waited for; what is left
        for good is seen by the caller, who compares.
        """
        deadline = time.monotonic() + seconds
        while True:
            now = await self.reading()
            if is_settled(now, base) or time.monotonic() > deadline:
                return now
            await asyncio.sleep(0.1)

    async def readings(self, workers: int) -> list[Reading]:
        """Read the ledger of each worker process, in the order of their ids.

        One request after the other: readings side by side see one another's sockets and tasks, and even a single one
        may meet what the server has not yet closed of the one before. Of several readings the lowest is the true one.

        Raises:
            AssertionError: Not all of them answered.
        """
        found: dict[int, list[Reading]] = {}
        for _ in range(200 * workers):
            reading = await self.reading()
            found.setdefault(reading.pid, []).append(reading)
            if len(found) == workers and min(map(len, found.values())) >= ALONE:
                return [min(found[pid], key=lambda one: (one.tasks, one.descriptors)) for pid in sorted(found)]
        raise AssertionError(f"{len(found)} of {workers} workers answered")


def is_settled(now: Reading, base: Reading) -> bool:
    """Say whether ``now`` holds no more than ``base`` did."""
    return (
        now.begun == now.ended
        and now.opened == now.closed
        and now.handlers <= base.handlers
        and now.connections <= base.connections
        and now.tasks <= base.tasks
        and now.descriptors <= base.descriptors
    )


# Keyword arguments of Site: the type of each is its own.
@contextlib.contextmanager
def site(habits: Habits, **options: Any) -> Iterator[Site]:
    """Run a server of one's own in a temporary folder; it is killed at the end, if it has not stopped by then."""
    with tempfile.TemporaryDirectory(prefix="resilience-", ignore_cleanup_errors=True) as folder:
        running = Site(habits, Path(folder), **options)
        try:
            yield running
        finally:
            running.kill()
