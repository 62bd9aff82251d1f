"""What every engine of topics must do, as tests: :class:`BrokerConformance`, for whoever writes an engine."""

from django_ws.testing.brokers.delivery import DeliveryConformance
from django_ws.testing.brokers.endings import EndingConformance
from django_ws.testing.brokers.outages import OutageConformance
from django_ws.testing.brokers.processes import ProcessConformance

__all__ = ["BrokerConformance"]


class BrokerConformance(DeliveryConformance, EndingConformance, ProcessConformance, OutageConformance):
    """The whole suite.

    With pytest (and a plugin that runs ``async def`` tests)::

        class TestMyBroker(BrokerConformance):
            backend = "my_project.engines.MyBroker"
            location = "my://localhost"

    and with unittest, or Django's test runner::

        class MyBrokerTests(BrokerConformance, unittest.IsolatedAsyncioTestCase):
            backend = "my_project.engines.MyBroker"
            location = "my://localhost"

    What may be overridden is told by :class:`~django_ws.testing.brokers.base.ConformanceBase`: where the engine is, how
    it is killed and started, and whether it reaches other processes. The engine must be for these tests alone.
    """
