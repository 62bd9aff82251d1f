"""Fixtures of the tests of engines."""

from collections.abc import AsyncIterator

import pytest

from topics.engines.support_valkey import FakeConnection
from topics.engines.support_wire import Ends


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    ends = Ends()
    yield ends
    for wire in ends.wires:
        await wire.close()


@pytest.fixture
async def connection() -> FakeConnection:
    return FakeConnection()
