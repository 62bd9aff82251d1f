"""testing/brokers/delivery.py: it passes an engine that works, and finds the mistakes of one that does not."""

import pytest

from django_ws.testing.brokers.delivery import DeliveryConformance
from testing.brokers_support import BACKEND, StandInBroker


class TestStandIn(DeliveryConformance):
    backend = BACKEND


@pytest.mark.parametrize(
    ("mistake", "test"),
    [
        ("loses", "test_nothing_is_lost_and_each_publisher_is_heard_in_its_order"),
        ("doubles", "test_nothing_is_lost_and_each_publisher_is_heard_in_its_order"),
        ("reorders", "test_nothing_is_lost_and_each_publisher_is_heard_in_its_order"),
        ("reorders", "test_one_publisher_by_every_way_is_heard_in_order"),
        ("clings", "test_after_unsubscribing_there_is_silence"),
        ("boundless", "test_a_mebibyte_or_a_clear_error"),
    ],
)
async def test_mistakes_are_found(mistake: str, test: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandInBroker, "mistake", mistake)
    suite = TestStandIn()
    suite.seconds = 0.5
    with pytest.raises((AssertionError, BaseExceptionGroup)) as caught:
        await getattr(suite, test)()
    found = caught.value
    assert not isinstance(found, BaseExceptionGroup) or found.subgroup(AssertionError) is not None
