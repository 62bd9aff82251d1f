"""Fixtures of the tests of topics."""

from collections.abc import Iterator

import pytest

from django_ws.testing import FakeBroker
from topics.support import fake_broker


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with fake_broker() as broker:
        yield broker
