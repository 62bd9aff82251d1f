"""The engine over PostgreSQL, for the tests of its modules."""

import asyncio
from collections.abc import Callable

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from django_ws.interfaces import ChannelMessage
from django_ws.topics.engines.postgres.broker import PostgresBroker
from django_ws.topics.engines.postgres.link import PostgresLink

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
