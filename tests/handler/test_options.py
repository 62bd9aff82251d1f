"""handler/options.py"""

import asyncio
import math
import re
import sys
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from typing_extensions import override

from django_ws.codecs.choice import BytesCodec, TextCodec
from django_ws.codecs.json import JSON, JSONCodec
from django_ws.codecs.msgspec import MsgspecCodec
from django_ws.conf import Denial
from django_ws.exceptions import MessageTooDeepError
from django_ws.handler import SyncWebSocketHandler, WebSocketHandler
from django_ws.handler.options import Options, check_class, options_of
from django_ws.handler.outbox import Overflow
from django_ws.handler.rate import Flood
from django_ws.handler.tasks import TaskGroup
from django_ws.handler.websocket import WebSocket
from django_ws.testing import FakeCodec, FakeGuard


def options(cls: type) -> Options:
    return options_of(cls, WebSocket)


class Text(WebSocket[str, bytes]): ...


def test_the_type_arguments_choose_the_codecs() -> None:
    found = options(Text)
    assert isinstance(getattr(found.decode, "__self__", None), TextCodec)
    assert isinstance(getattr(found.encode, "__self__", None), BytesCodec)


@pytest.mark.parametrize("cls", [WebSocket, type("Bare", (WebSocket,), {})])
def test_no_type_arguments_mean_json(cls: type) -> None:
    assert isinstance(getattr(options(cls).decode, "__self__", None), JSONCodec)


def test_a_declared_codec_is_used_both_ways() -> None:
    codec_ = FakeCodec()

    class Own(WebSocket[int, int]):
        codec = codec_

    found = options(Own)
    assert found.decode("x") == "x"
    assert found.encode("y") == "y"
    assert (codec_.decoded, codec_.encoded) == (["x"], ["y"])


@override_settings(WS_JSON_CODEC="django_ws.codecs.msgspec.MsgspecCodec")
def test_the_codec_of_json_is_the_settings_choice_and_a_class_may_choose_another() -> None:
    class Plain(WebSocket): ...

    class Own(WebSocket):
        codec = JSONCodec(max_depth=5)

    found = options(Plain)
    assert isinstance(getattr(found.decode, "__self__", None), MsgspecCodec)
    assert isinstance(getattr(found.encode, "__self__", None), MsgspecCodec)
    assert isinstance(getattr(options(Own).decode, "__self__", None), JSONCodec)


def test_a_class_without_a_codec_is_refused_by_name() -> None:
    class Odd(WebSocket[int, str]): ...

    with pytest.raises(ImproperlyConfigured, match="Odd takes messages of type int"):
        options(Odd)


def test_a_typed_class_has_its_codecs_once_and_goes_by_the_depth_of_the_settings() -> None:
    @dataclass
    class Point:
        x: int

    class Points(WebSocket[Point, Point]): ...

    found = options(Points)
    assert found is options(Points)
    assert found.encode(found.decode('{"x":1}')) == '{"x":1}'
    with override_settings(WS_MAX_MESSAGE_DEPTH=1), pytest.raises(MessageTooDeepError):
        options(Points).decode('{"x":1,"y":[]}')


def test_what_is_not_declared_comes_from_the_settings() -> None:
    with override_settings(
        WS_MAX_MESSAGE_SIZE=1000,
        WS_INBOX_MESSAGES=3,
        WS_OUTBOX_MESSAGES=4,
        WS_OUTBOX_BYTES=5,
        WS_DISCONNECT_GRACE=None,
        WS_CLEANUP_TIMEOUT=7,
        WS_MESSAGES_PER_SECOND=8,
        WS_MESSAGES_BURST=80,
        WS_IDLE_TIMEOUT=9,
        WS_REVALIDATE=timedelta(minutes=2),
    ):
        found = options(Text)
    assert (found.max_message_size, found.surely_fits) == (1000, 250)
    assert (found.inbox_messages, found.outbox_messages, found.outbox_bytes) == (3, 4, 5)
    assert (found.disconnect_grace, found.cleanup_timeout) == (None, 7)
    assert found.overflow is Overflow.CLOSE
    assert (found.messages_per_second, found.messages_burst, found.first_lease) == (8, 80, 10)
    assert (found.flood, found.idle_timeout, found.guards) == (Flood.WAIT, 9, ())
    assert found.revalidate == 120


def test_they_are_worked_out_once_until_a_setting_changes() -> None:
    before = options(Text)
    assert options(Text) is before
    with override_settings(WS_INBOX_MESSAGES=9):
        assert options(Text).inbox_messages == 9
    assert options(Text).inbox_messages == before.inbox_messages


def test_a_class_may_declare_each_of_its_own() -> None:
    guard = FakeGuard()

    class Own(WebSocket[JSON]):
        max_message_size = None
        inbox_messages = 1
        outbox_messages = 2
        outbox_bytes = 3
        disconnect_grace = 0
        cleanup_timeout = 4.5
        overflow = Overflow.DROP_OLDEST
        messages_per_second = None
        messages_burst = 8
        flood = Flood.CLOSE
        idle_timeout = 0.5
        revalidate = timedelta(milliseconds=1500)
        denial = Denial.CLOSE
        guards = [guard]

    found = options(Own)
    assert found.max_message_size == sys.maxsize
    assert (found.inbox_messages, found.outbox_messages, found.outbox_bytes) == (1, 2, 3)
    assert (found.disconnect_grace, found.cleanup_timeout) == (0, 4.5)
    assert found.overflow is Overflow.DROP_OLDEST
    assert (found.messages_per_second, found.messages_burst, found.first_lease) == (math.inf, 8, sys.maxsize)
    assert (found.flood, found.idle_timeout, found.guards) == (Flood.CLOSE, 0.5, (guard,))
    assert found.revalidate == 1.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("revalidate", 60),
        ("revalidate", timedelta()),
        ("max_message_size", 0),
        ("max_message_size", "1"),
        ("inbox_messages", 0),
        ("inbox_messages", True),
        ("outbox_messages", -1),
        ("outbox_bytes", 1.5),
        ("disconnect_grace", -1),
        ("disconnect_grace", "soon"),
        ("disconnect_grace", False),
        ("cleanup_timeout", None),
        ("messages_per_second", 0),
        ("messages_per_second", -1.5),
        ("messages_per_second", math.inf),
        ("messages_per_second", math.nan),
        ("messages_per_second", "100"),
        ("messages_burst", 0),
        ("messages_burst", None),
        ("messages_burst", 2.5),
        ("idle_timeout", 0),
        ("idle_timeout", math.inf),
        ("idle_timeout", True),
        ("denial", "close"),
        ("denial", None),
    ],
)
def test_a_wrong_value_is_refused_by_class_name_and_setting(name: str, value: object) -> None:
    wrong = type("Wrong", (WebSocket,), {name: value})
    with pytest.raises(ImproperlyConfigured, match=rf"Wrong\.{name} is .* see the setting WS_{name.upper()}"):
        options(wrong)


def test_a_policy_that_is_none_is_refused() -> None:
    wrong = type("Wrong", (WebSocket,), {"overflow": "close"})
    with pytest.raises(ImproperlyConfigured, match=r"Wrong\.overflow is 'close', but must be a member of Overflow"):
        options(wrong)


def test_the_task_manager_is_made_by_what_the_class_declares() -> None:
    def make() -> TaskGroup:
        return TaskGroup()

    own = type("Own", (WebSocket,), {"task_manager": make})
    assert options(Text).task_manager is TaskGroup
    assert options(own).task_manager is make  # not bound to the class


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "but is None"),
        ("howto.tasks.InTurn", "but is 'howto.tasks.InTurn'"),
        (TaskGroup(), "but is <django_ws.handler.tasks.TaskGroup object"),
        (asyncio.TaskGroup, "but TaskGroup has no start and no cancel and no cancel_all"),
    ],
)
def test_a_task_manager_that_is_none_is_refused(value: object, fault: str) -> None:
    wrong = type("Wrong", (WebSocket,), {"task_manager": value})
    expected = "Wrong.task_manager must be a class, or a function without arguments, that makes a TaskManager"
    with pytest.raises(ImproperlyConfigured, match=f"^{re.escape(expected)}, {re.escape(fault)}"):
        options(wrong)


def test_a_way_to_take_a_flood_that_is_none_is_refused() -> None:
    wrong = type("Wrong", (WebSocket,), {"flood": "close"})
    with pytest.raises(ImproperlyConfigured, match=r"Wrong\.flood is 'close', but must be a member of Flood"):
        options(wrong)


@pytest.mark.parametrize(
    ("value", "named"), [([FakeGuard(), 1], "1"), ("yes", "'y'"), (None, "None"), ([None], "None")]
)
def test_what_cannot_be_a_guard_is_refused(value: object, named: str) -> None:
    wrong = type("Wrong", (WebSocket,), {"guards": value})
    with pytest.raises(ImproperlyConfigured, match=rf"Wrong\.guards holds {named}, but must be a list of async func"):
        options(wrong)


def test_a_guard_alone_is_taken_for_a_list_of_it() -> None:
    guard = FakeGuard()
    assert options(type("Own", (WebSocket,), {"guards": guard})).guards == (guard,)


def test_a_guard_that_comes_late_is_not_overlooked() -> None:
    class Own(WebSocket): ...

    assert options(Own).guards == ()
    late: Any = Own
    late.guards = [guard := FakeGuard()]
    assert options(Own).guards == (guard,)
    assert options(Own) is options(Own)


@override_settings(WS_MAX_MESSAGE_DEPTH=2)
def test_the_depth_of_json_is_the_settings() -> None:
    class Deep(WebSocket): ...

    found = options(Deep)
    assert found.decode("[[1]]") == [[1]]
    with pytest.raises(MessageTooDeepError):
        found.decode("[[[1]]]")


def test_a_run_that_is_not_async_is_refused_when_the_class_is_made() -> None:
    class Plain:
        def run(self) -> None: ...

    with pytest.raises(ImproperlyConfigured, match=r"Plain\.run must be async: write «async def run»"):
        check_class(Plain)


def test_an_async_run_a_wrapped_one_and_that_of_a_base_are_taken() -> None:
    def plainly(function: Any) -> Any:
        @wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    class Fine:
        @plainly
        async def run(self) -> None: ...

    class Derived(Fine): ...

    class Odd:
        run = "no function at all"

    for cls in (Fine, Derived, Odd):
        check_class(cls)


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "2", None])
def test_a_number_of_messages_at_once_that_is_none_is_refused_when_the_class_is_made(value: object) -> None:
    wrong = type("Wrong", (), {"max_concurrent_messages": value})
    with pytest.raises(ImproperlyConfigured, match=r"Wrong\.max_concurrent_messages is .*, but must be a whole number"):
        check_class(wrong)
    check_class(type("Right", (), {"max_concurrent_messages": 3}))


def test_a_class_hears_events_where_it_has_an_on_event_of_its_own() -> None:
    class Async(WebSocketHandler[str, str]):
        @override
        async def on_event(self, topic: object, event: str, /) -> str | None:
            return event

    class Sync(SyncWebSocketHandler[str, str]):
        @override
        def on_event(self, topic: object, event: str, /) -> str | None:
            return event

    class Plain(WebSocketHandler): ...

    class PlainSync(SyncWebSocketHandler): ...

    assert [options_of(cls, WebSocket).hears_events for cls in (Plain, PlainSync, Async, Sync)] == [
        False,
        False,
        True,
        True,
    ]
