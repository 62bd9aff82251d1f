"""The short version of the database scenario: PostgreSQL over the servers that differ, SQLite over one."""

import contextlib
import os
from collections.abc import Iterator

import pytest

from resilience.findings import Finding
from resilience.progress import Progress
from resilience.scale import TEST
from resilience.scenarios.database import PARTS, Part, on_server
from resilience.scenarios.postgres import Postgres, run_postgres
from resilience.scenarios.stores import Store, postgres_store, sqlite_store
from servers.habits import SERVERS, Habits

HABITS = {habits.key: habits for habits in SERVERS}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """Run a server of this worker's own."""
    with run_postgres() as server:
        yield server


async def findings(habits: Habits, store: Store, *parts: Part) -> list[Finding]:
    return [finding for finding in await on_server(TEST, Progress(), habits, store, parts) if not finding.holds]


@pytest.mark.server
@pytest.mark.parametrize("key", ["uvicorn-sansio", "hypercorn", "granian", "daphne"])
async def test_postgres(postgres: Postgres, key: str) -> None:
    with postgres_store(postgres, key.replace("-", "_")) as store:
        assert await findings(HABITS[key], store, *PARTS) == []


@pytest.mark.server
async def test_sqlite() -> None:
    with sqlite_store() as store:
        assert await findings(HABITS["uvicorn-sansio"], store, *PARTS) == []


def test_postgres_leaves_nothing_behind() -> None:
    with run_postgres() as server:
        assert server.folder.exists()
        assert server.connections("postgres") == 0
        pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    assert not server.folder.exists()
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        pytest.fail("PostgreSQL is still running")
