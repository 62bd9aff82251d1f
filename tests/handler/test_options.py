"""handler/options.py"""

import sys
from functools import wraps
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_ws.handler.codecs import BytesCodec, TextCodec
from django_ws.handler.json import JSON, JSONCodec
from django_ws.handler.msgspec import MsgspecCodec
from django_ws.handler.options import Options, check_hooks, options_of
from django_ws.handler.outbox import Overflow
from django_ws.handler.websocket import WebSocket
from django_ws.testing import FakeCodec


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


@override_settings(WS_JSON_CODEC="django_ws.handler.msgspec.MsgspecCodec")
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


def test_what_is_not_declared_comes_from_the_settings() -> None:
    with override_settings(
        WS_MAX_MESSAGE_SIZE=1000,
        WS_INBOX_MESSAGES=3,
        WS_OUTBOX_MESSAGES=4,
        WS_OUTBOX_BYTES=5,
        WS_DISCONNECT_GRACE=None,
        WS_CLEANUP_TIMEOUT=7,
    ):
        found = options(Text)
    assert (found.max_message_size, found.surely_fits) == (1000, 250)
    assert (found.inbox_messages, found.outbox_messages, found.outbox_bytes) == (3, 4, 5)
    assert (found.disconnect_grace, found.cleanup_timeout) == (None, 7)
    assert found.overflow is Overflow.CLOSE


def test_they_are_worked_out_once_until_a_setting_changes() -> None:
    before = options(Text)
    assert options(Text) is before
    with override_settings(WS_INBOX_MESSAGES=9):
        assert options(Text).inbox_messages == 9
    assert options(Text).inbox_messages == before.inbox_messages


def test_a_class_may_declare_each_of_its_own() -> None:
    class Own(WebSocket[JSON]):
        max_message_size = None
        inbox_messages = 1
        outbox_messages = 2
        outbox_bytes = 3
        disconnect_grace = 0
        cleanup_timeout = 4.5
        overflow = Overflow.DROP_OLDEST

    found = options(Own)
    assert found.max_message_size == sys.maxsize
    assert (found.inbox_messages, found.outbox_messages, found.outbox_bytes) == (1, 2, 3)
    assert (found.disconnect_grace, found.cleanup_timeout) == (0, 4.5)
    assert found.overflow is Overflow.DROP_OLDEST


@pytest.mark.parametrize(
    ("name", "value"),
    [
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


def test_a_hook_that_is_not_async_is_refused_when_the_class_is_made() -> None:
    class Plain:
        def on_open(self) -> None: ...

    with pytest.raises(ImproperlyConfigured, match=r"Plain\.on_open must be async: write «async def on_open»"):
        check_hooks(Plain, ("on_open",))


def test_async_hooks_wrapped_ones_and_missing_ones_are_taken() -> None:
    def plainly(hook: Any) -> Any:
        @wraps(hook)
        def wrapper(*args: Any) -> Any:
            return hook(*args)

        return wrapper

    class Fine:
        on_text = "no function at all"

        async def on_open(self) -> None: ...

        @plainly
        async def on_message(self) -> None: ...

    check_hooks(Fine, ("on_open", "on_message", "on_text", "on_close"))


def test_a_hook_of_a_base_is_that_classes_affair() -> None:
    class Base:
        def on_open(self) -> None: ...

    class Derived(Base): ...

    check_hooks(Derived, ("on_open",))
