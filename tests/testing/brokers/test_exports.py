"""testing/brokers: the suite is whole, and works with unittest as with pytest."""

import unittest

from typing_extensions import override

from django_ws.testing.brokers import BrokerConformance
from django_ws.testing.brokers.delivery import DeliveryConformance
from django_ws.testing.brokers.endings import EndingConformance
from django_ws.testing.brokers.outages import OutageConformance
from django_ws.testing.brokers.processes import ProcessConformance
from testing.brokers_support import BACKEND, StandInBroker


def test_every_part_is_in_it() -> None:
    parts = (DeliveryConformance, EndingConformance, OutageConformance, ProcessConformance)
    tests = {name for part in parts for name in vars(part) if name.startswith("test_")}
    assert tests == {name for name in dir(BrokerConformance) if name.startswith("test_")}
    assert len(tests) == 27


def test_with_unittest() -> None:
    class Suite(BrokerConformance, unittest.IsolatedAsyncioTestCase):
        backend = BACKEND
        processes = False

        @override
        def kill(self) -> None:
            StandInBroker.kill()

        @override
        def start(self) -> None:
            StandInBroker.start()

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Suite).run(result)
    assert not result.errors
    assert not result.failures
    assert result.testsRun == 27
    assert len(result.skipped) == 3
