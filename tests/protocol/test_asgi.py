from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ws.exceptions import RemoteProtocolError
from django_ws.protocol.asgi import (
    build,
    build_data,
    offered_subprotocols,
    parse,
    parse_data,
    raw_headers,
    supports_denial_response,
)
from django_ws.protocol.events import (
    Accept,
    ApplicationEvent,
    Close,
    Connect,
    DenialBody,
    DenialEnd,
    DenialStart,
    Disconnect,
    Receive,
    Send,
)


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ({"type": "websocket.receive", "text": "hi"}, "hi"),
        ({"type": "websocket.receive", "text": ""}, ""),
        ({"type": "websocket.receive", "text": "hi", "bytes": None}, "hi"),
        ({"type": "websocket.receive", "text": "", "bytes": None}, ""),
        ({"type": "websocket.receive", "bytes": b"hi"}, b"hi"),
        ({"type": "websocket.receive", "bytes": b"hi", "text": None}, b"hi"),
        ({"type": "websocket.receive", "bytes": b""}, b""),
        ({"type": "websocket.receive", "bytes": bytearray(b"hi")}, b"hi"),
        ({"type": "websocket.receive", "text": "hi", "bytes": b"no"}, "hi"),
        ({"type": "websocket.receive", "text": 1, "bytes": b"hi"}, b"hi"),
        ({"type": "websocket.receive", "text": "hi", "more": object()}, "hi"),
    ],
)
def test_a_message_gives_its_data(message: dict[str, object], data: str | bytes) -> None:
    taken = parse_data(message)
    assert taken == data
    assert type(taken) is type(data)
    assert parse(message) == Receive(data)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.receive"},
        {"type": "websocket.receive", "text": None},
        {"type": "websocket.receive", "text": None, "bytes": None},
        {"type": "websocket.receive", "text": 1},
        {"type": "websocket.receive", "bytes": "not bytes"},
        {"type": "websocket.receive", "bytes": [1, 2]},
    ],
)
def test_a_message_without_data_is_the_fault_of_the_server(message: dict[str, object]) -> None:
    with pytest.raises(RemoteProtocolError, match="neither text nor bytes"):
        parse_data(message)
    with pytest.raises(RemoteProtocolError, match="neither text nor bytes"):
        parse(message)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.connect"},
        {"type": "websocket.disconnect", "text": "no"},
        {"type": None},
        {"type": 1, "text": "no"},
        {"text": "no"},
        {},
    ],
)
def test_what_is_no_message_has_no_data(message: dict[str, object]) -> None:
    assert parse_data(message) is None


def test_connect_is_parsed() -> None:
    assert parse({"type": "websocket.connect"}) == Connect()


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"type": "websocket.disconnect", "code": 4321, "reason": "bye"}, Disconnect(4321, "bye")),
        ({"type": "websocket.disconnect", "code": 1000}, Disconnect(1000, "")),
        ({"type": "websocket.disconnect"}, Disconnect(1005, "")),
        ({"type": "websocket.disconnect", "code": None, "reason": None}, Disconnect(1005, "")),
        ({"type": "websocket.disconnect", "code": "1000", "reason": b"bye"}, Disconnect(1005, "")),
        ({"type": "websocket.disconnect", "reason": "bye"}, Disconnect(1005, "bye")),
        ({"type": "websocket.disconnect", "code": 1006, "reason": 7}, Disconnect(1006, "")),
    ],
)
def test_a_disconnect_is_parsed_whatever_is_missing(message: dict[str, object], event: Disconnect) -> None:
    assert parse(message) == event


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ({}, "None"),
        ({"type": None}, "None"),
        ({"type": 3}, "3"),
        ({"type": ["websocket.connect"]}, r"\['websocket.connect'\]"),
        ({"type": "http.request"}, "'http.request'"),
        ({"type": "websocket.accept"}, "'websocket.accept'"),
    ],
)
def test_an_unknown_event_is_the_fault_of_the_server(message: dict[str, object], shown: str) -> None:
    with pytest.raises(RemoteProtocolError, match=f"unknown type {shown} "):
        parse(message)


JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5) | st.lists(st.integers())


@given(
    st.dictionaries(st.sampled_from(["text", "bytes", "code", "reason"]), JUNK),
    st.sampled_from(["websocket.connect", "websocket.receive", "websocket.disconnect"]) | JUNK,
    st.booleans(),
)
def test_no_dict_raises_anything_but_a_protocol_error(message: dict[str, object], kind: object, typed: bool) -> None:
    if typed:
        message["type"] = kind
    try:
        event = parse(message)
    except RemoteProtocolError:
        return
    assert isinstance(event, (Connect, Receive, Disconnect))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Accept(), {"type": "websocket.accept", "subprotocol": None, "headers": []}),
        (
            Accept("chat.v1", ((b"x-a", b"1"), (b"x-a", b"2"))),
            {"type": "websocket.accept", "subprotocol": "chat.v1", "headers": [(b"x-a", b"1"), (b"x-a", b"2")]},
        ),
        (Send("hi"), {"type": "websocket.send", "text": "hi"}),
        (Send(""), {"type": "websocket.send", "text": ""}),
        (Send(b"hi"), {"type": "websocket.send", "bytes": b"hi"}),
        (Close(), {"type": "websocket.close", "code": 1000, "reason": ""}),
        (Close(4001, "bye"), {"type": "websocket.close", "code": 4001, "reason": "bye"}),
        (DenialStart(), {"type": "websocket.http.response.start", "status": 403, "headers": []}),
        (
            DenialStart(401, ((b"x-a", b"1"),)),
            {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"1")]},
        ),
        (DenialBody(b"a"), {"type": "websocket.http.response.body", "body": b"a", "more_body": True}),
        (DenialEnd(b"b"), {"type": "websocket.http.response.body", "body": b"b", "more_body": False}),
        (DenialEnd(), {"type": "websocket.http.response.body", "body": b"", "more_body": False}),
    ],
)
def test_an_event_is_built_as_the_specification_says(event: ApplicationEvent, message: dict[str, object]) -> None:
    assert build(event) == message


def test_a_code_goes_out_as_a_plain_number() -> None:
    assert type(build(Close())["code"]) is int


def test_what_is_no_event_cannot_be_built() -> None:
    with pytest.raises(AssertionError):
        build("websocket.accept")  # type: ignore[arg-type]


@given(st.text(max_size=10) | st.binary(max_size=10))
def test_a_message_carries_exactly_one_of_text_and_bytes(data: str | bytes) -> None:
    message = build_data(data)
    assert message.pop("type") == "websocket.send"
    assert message == ({"text": data} if isinstance(data, str) else {"bytes": data})


def test_headers_get_lower_case_names_and_keep_their_order() -> None:
    assert raw_headers([("X-B", "Two"), ("x-a", "é"), ("X-B", "One")]) == (
        (b"x-b", b"Two"),
        (b"x-a", b"\xe9"),
        (b"x-b", b"One"),
    )


def test_headers_may_be_any_iterable() -> None:
    assert raw_headers(pair for pair in [("a", "b")]) == ((b"a", b"b"),)
    assert raw_headers({"a": "b"}.items()) == ((b"a", b"b"),)
    assert raw_headers(()) == ()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("x", "a\r\nset-cookie: b", "line break or a NUL"),
        ("x", "a\nb", "line break or a NUL"),
        ("x", "a\rb", "line break or a NUL"),
        ("x", "a\0b", "line break or a NUL"),
        ("x\r\ny", "a", "line break or a NUL"),
        ("x", "€", "latin-1 cannot carry"),
        ("€", "x", "latin-1 cannot carry"),
        ("sec-websocket-protocol", "chat", r"accept\(subprotocol="),
        ("Sec-WebSocket-Protocol", "chat", r"accept\(subprotocol="),
    ],
)
def test_a_header_that_http_cannot_carry_is_refused(name: str, value: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        raw_headers([("fine", "fine"), (name, value)])


@pytest.mark.parametrize(
    ("scope", "offered"),
    [
        ({"subprotocols": ["b", "a"]}, ("b", "a")),
        ({"subprotocols": ("a",)}, ("a",)),
        ({"subprotocols": []}, ()),
        ({"subprotocols": None}, ()),
        ({}, ()),
        ({"subprotocols": 5}, ()),
        ({"subprotocols": "chat"}, ()),
        ({"subprotocols": b"chat"}, ()),
        ({"subprotocols": ["a", b"b", None]}, ("a",)),
    ],
)
def test_the_offered_subprotocols_are_read_whatever_the_server_put_there(
    scope: dict[str, object], offered: Iterable[str]
) -> None:
    assert offered_subprotocols(scope) == offered


@pytest.mark.parametrize(
    ("scope", "supported"),
    [
        ({"extensions": {"websocket.http.response": {}}}, True),
        ({"extensions": {"websocket.http.response": None}}, True),
        ({"extensions": {"tls": {}}}, False),
        ({"extensions": {}}, False),
        ({"extensions": None}, False),
        ({"extensions": 1}, False),
        ({}, False),
    ],
)
def test_the_denial_response_is_there_where_the_server_says_so(scope: dict[str, object], supported: bool) -> None:
    assert supports_denial_response(scope) is supported
