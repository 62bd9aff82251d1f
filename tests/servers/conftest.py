"""The servers as fixtures: each is started once for each worker of pytest-xdist."""

from collections.abc import AsyncIterator, Iterator

import pytest

from servers.habits import SERVERS, Habits
from servers.harness import Run, Server


@pytest.fixture(scope="session", params=[pytest.param(habits, id=habits.key) for habits in SERVERS])
def process(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a running server, shared by the tests."""
    habits: Habits = request.param
    server = Server(habits, tmp_path_factory.mktemp(habits.key))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
async def run(process: Server) -> AsyncIterator[Run]:
    """Give one test's use of a running server, and hold it to a clean end."""
    run = Run(process)
    yield run
    await run.finish()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(__file__.removesuffix("/conftest.py")) and item.path.name != "test_docs_table.py":
            item.add_marker(pytest.mark.server)
