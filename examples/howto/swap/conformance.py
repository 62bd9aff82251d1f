from typing_extensions import override

from django_ws.interfaces import Broker
from django_ws.testing.brokers import BrokerConformance

from .engine import MeasuredBroker


class TestMeasuredBroker(BrokerConformance):
    """What every engine must do, some twenty tests; those that ship pass the same. Run by pytest."""

    backend = "howto.swap.engine.MeasuredBroker"
    processes = False  # it carries events within one process

    def setup_method(self) -> None:
        self.broker = MeasuredBroker("", {})

    @override
    def make_broker(self) -> Broker:
        return self.broker  # all brokers of a test must reach each other
