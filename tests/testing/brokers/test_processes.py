"""testing/brokers/processes.py: with a real Valkey, and processes that fail or hang."""

from collections.abc import Iterator
from unittest import SkipTest

import pytest

from django_ws.testing.brokers.processes import ProcessConformance
from topics.engines.support_valkey import Valkey, running


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with running() as server:
        yield server


class TestValkey(ProcessConformance):
    backend = "django_ws.topics.engines.valkey.ValkeyBroker"

    @pytest.fixture(autouse=True)
    def where(self, server: Valkey) -> None:
        self.location = server.url

    async def test_what_does_not_fork_is_skipped(self) -> None:
        self.forks = False
        with pytest.raises(SkipTest, match="nothing forks"):
            await self.test_a_broker_that_has_published_survives_a_fork()

    def test_a_process_that_fails_or_hangs_is_told(self) -> None:
        with pytest.raises(AssertionError, match="ends with 3: because"):
            self._finish(self._process("print('because', file=sys.stderr); sys.exit(3)"))
        self.seconds = 0.1
        with pytest.raises(AssertionError, match="ends with -9"):
            self._finish(self._process("import time; time.sleep(60)"))
