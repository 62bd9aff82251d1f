"""testing/brokers/endings.py: it passes an engine that works, and finds what one leaves behind."""

import pytest
from typing_extensions import override

from django_ws.interfaces import Broker
from django_ws.testing.brokers.endings import EndingConformance
from django_ws.topics.engines.memory import MemoryBroker
from testing.brokers_support import BACKEND, StandInBroker


class TestStandIn(EndingConformance):
    backend = BACKEND


class TestMemory(EndingConformance):
    backend = "django_ws.topics.engines.memory.MemoryBroker"

    @override
    def make_broker(self) -> Broker:
        self.broker = getattr(self, "broker", None) or MemoryBroker("", {})
        return self.broker


async def test_what_is_left_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandInBroker, "mistake", "leaks")
    with pytest.raises(AssertionError, match="tasks are left"):
        await TestStandIn().test_nothing_is_left_behind()
