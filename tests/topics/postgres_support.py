"""The engine over PostgreSQL, for the tests of its modules."""

import asyncio
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from django_ws.interfaces import ChannelMessage
from django_ws.topics.engines.postgres.broker import PostgresBroker
from django_ws.topics.engines.postgres.link import PostgresLink
from resilience.scenarios.postgres import Postgres
from resilience.scenarios.postgres import _account as account

ALIAS = "postgres"
DATABASE = "topics"
APP = "django_ws.topics.engines.postgres"
BIG = b"T" + b"big" * 1000
"""More than a notification carries."""


def migrate(target: str = "") -> None:
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, APP]):
        call_command("migrate", "django_ws_postgres", *filter(None, [target]), database=ALIAS, verbosity=0)


def execute(query: str, *parameters: str) -> list[tuple[object, ...]]:
    """Ask the database over Django's connection."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(query, parameters)
        return [] if cursor.description is None else cursor.fetchall()


async def in_thread(function: Callable[[], object]) -> None:
    """Call sync code as a view would be, and hand its connection back."""

    def call() -> None:
        try:
            function()
        finally:
            connections[ALIAS].close()

    await asyncio.to_thread(call)


async def receive(link: PostgresLink, count: int) -> list[ChannelMessage]:
    """Give so many messages."""
    messages: list[ChannelMessage] = []
    async with asyncio.timeout(20):
        while len(messages) < count:
            messages.extend(await link.receive())
    return messages


class Links:
    """Links of one broker, made one after the other."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._made: list[PostgresLink] = []

    async def make(self, *channels: str, **options: object) -> PostgresLink:
        link = await PostgresBroker(self.alias, options).connect()
        self._made.append(link)
        await link.subscribe(channels)
        return link

    async def close(self) -> None:
        for link in self._made:
            await link.close()


class HandingBack:
    """The engine as a request uses it: at its end, the connection of the thread is given back."""

    def __init__(self, location: str, options: Mapping[str, object]) -> None:
        self._inner = PostgresBroker(location, options)
        self.max_payload = self._inner.max_payload

    def publish(self, messages: Sequence[ChannelMessage]) -> None:
        try:
            self._inner.publish(messages)
        finally:
            hand_back()

    async def apublish(self, messages: Sequence[ChannelMessage]) -> None:
        try:
            await self._inner.apublish(messages)
        finally:
            await sync_to_async(hand_back)()

    async def connect(self) -> PostgresLink:
        return await self._inner.connect()

    def close(self) -> None:
        self._inner.close()


def hand_back() -> None:
    """Close the connection of this thread, and forget the settings with which it was made."""
    connections[ALIAS].close()
    del connections[ALIAS]


# A database's settings are of any type.
def settings_of(folder: Path) -> dict[str, Any]:
    return {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": "postgres",
        "HOST": str(folder),
        "OPTIONS": {},
    }


@contextmanager
def database(folder: Path) -> Iterator[None]:
    """Let a server be one of Django's databases."""
    connections.settings[ALIAS] = settings_of(folder)
    try:
        yield
    finally:
        hand_back()
        del connections.settings[ALIAS]


class Killable:
    """A server that can be killed, and started again on the same data."""

    def __init__(self, server: Postgres) -> None:
        self.folder = server.folder
        # What PostgreSQL notes for the same purpose.
        self._command = shlex.split((self.folder / "data" / "postmaster.opts").read_text())
        self._started: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        lock = self.folder / "data" / "postmaster.pid"
        with psycopg.connect(host=str(self.folder), user="postgres", dbname=DATABASE) as connection:
            others = [row[0] for row in connection.execute("SELECT pid FROM pg_stat_activity")]
        for process in (int(lock.read_text().split()[0]), *others):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self._started is not None:
            self._started.wait()
        # Nobody has waited for the first one, whose number is taken as long as that lasts.
        for left in (lock, *self.folder.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)

    def start(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            # While a process of the one before is there, it does not start.
            if self._started is None or self._started.poll() is not None:
                self._started = self._start()
            with suppress(psycopg.OperationalError):
                psycopg.connect(host=str(self.folder), user="postgres", dbname=DATABASE).close()
                return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "log").read_text(errors="replace"))

    def end(self) -> None:
        if self._started is not None:
            self._started.send_signal(signal.SIGINT)
            self._started.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                self._command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **account()
            )
