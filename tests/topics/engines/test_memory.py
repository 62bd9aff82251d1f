"""topics/engines/memory.py: everything an engine must do, within one process."""

import pytest
from typing_extensions import override

from django_ws.interfaces import Broker
from django_ws.testing.brokers import BrokerConformance
from django_ws.topics.engines.memory import MemoryBroker


class TestConformance(BrokerConformance):
    backend = "django_ws.topics.engines.memory.MemoryBroker"
    processes = False

    @pytest.fixture(autouse=True)
    def one_broker(self) -> None:
        self.broker = MemoryBroker("", {})

    @override
    def make_broker(self) -> Broker:
        return self.broker
