from unittest import IsolatedAsyncioTestCase

from typing_extensions import override

from django_ws.interfaces import Broker
from django_ws.testing.brokers import BrokerConformance

from .engine import MeasuredBroker


class MeasuredBrokerTests(BrokerConformance, IsolatedAsyncioTestCase):
    """What every engine must do; those that ship pass the same tests."""

    backend = "howto.swap.engine.MeasuredBroker"
    processes = False  # it carries events within one process

    @override
    def setUp(self) -> None:
        self.broker = MeasuredBroker("", {})

    @override
    def make_broker(self) -> Broker:
        return self.broker  # all brokers of a test must reach each other
