"""testing/brokers/outages.py: it passes an engine that is killed and comes back, and finds one that says nothing."""

import pytest
from typing_extensions import override

from django_ws.testing.brokers.outages import OutageConformance
from testing.brokers_support import BACKEND, StandInBroker


class TestStandIn(OutageConformance):
    backend = BACKEND

    @override
    def kill(self) -> None:
        StandInBroker.kill()

    @override
    def start(self) -> None:
        StandInBroker.start()


@pytest.mark.parametrize("mistake", ["survives", "dumb"])
async def test_mistakes_are_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandInBroker, "mistake", mistake)
    suite = TestStandIn()
    suite.seconds = 0.5
    with pytest.raises((AssertionError, TimeoutError)):
        await suite.test_the_engine_is_killed_and_comes_back()
