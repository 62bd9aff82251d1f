"""A real PostgreSQL, as a database of Django's besides the default one."""

from collections.abc import AsyncIterator, Iterator

import pytest

from resilience.scenarios.postgres import Postgres, run_postgres
from topics.postgres_support import ALIAS, DATABASE, Links, database, execute, migrate


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """Run a server of this worker's own."""
    with run_postgres() as server:
        server.create(DATABASE)
        yield server


@pytest.fixture
def alias(server: Postgres) -> Iterator[str]:
    """An alias of DATABASES that leads there; the table is there, too."""
    with database(server.folder):
        migrate()
        execute("TRUNCATE django_ws_postgres_message")
        yield ALIAS


@pytest.fixture
async def links(alias: str) -> AsyncIterator[Links]:
    """Make links, which are closed in the end."""
    links = Links(alias)
    yield links
    await links.close()
