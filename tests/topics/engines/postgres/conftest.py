"""A real PostgreSQL, as a database of Django's besides the default one."""

from collections.abc import AsyncIterator, Iterator

import pytest
from django.db import connections

from resilience.scenarios.postgres import Postgres, run_postgres
from topics.postgres_support import ALIAS, DATABASE, Links, execute, migrate


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """Run a server of this worker's own."""
    with run_postgres() as server:
        server.create(DATABASE)
        yield server


@pytest.fixture
def alias(server: Postgres) -> Iterator[str]:
    """An alias of DATABASES that leads there; the table is there, too."""
    connections.settings[ALIAS] = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": "postgres",
        "HOST": str(server.folder),
        "OPTIONS": {},
    }
    migrate()
    execute("TRUNCATE django_ws_postgres_message")
    yield ALIAS
    connections[ALIAS].close()
    del connections[ALIAS]
    del connections.settings[ALIAS]


@pytest.fixture
async def links(alias: str) -> AsyncIterator[Links]:
    """Make links, which are closed in the end."""
    links = Links(alias)
    yield links
    await links.close()
