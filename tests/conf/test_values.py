from dataclasses import FrozenInstanceError

import pytest

from django_ws.conf import MEMORY, BrokerSettings, WebSocketSettings, get_settings


def test_the_settings_cannot_be_changed_by_hand() -> None:
    with pytest.raises(FrozenInstanceError):
        get_settings().inbox_messages = 1  # type: ignore[misc]


def test_without_settings_one_engine_carries_events_within_the_process() -> None:
    assert WebSocketSettings().brokers == {"default": BrokerSettings(MEMORY)}
    assert WebSocketSettings().brokers is not WebSocketSettings().brokers
