"""testing/asgi_rules.py"""

from typing import Any

import pytest

from django_ws.testing import ASGIViolation
from django_ws.testing.asgi_rules import (
    check_body,
    check_close,
    check_headers,
    check_send,
    check_status,
    check_subprotocol,
)

Event = dict[str, Any]

DENIAL = ("websocket.http.response",)


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ([("x", "1")], "header names and values must be bytes, not 'x': '1'"),
        ([(b"x", "1")], "header names and values must be bytes, not b'x': '1'"),
        ([(b"X-A", b"1")], "the header name b'X-A' is not allowed"),
        ([(b"x", b"1"), (b"sec-websocket-protocol", b"a")], "the header name b'sec-websocket-protocol' is not allowed"),
    ],
)
def test_headers_that_may_not_be(headers: list[Any], complaint: str) -> None:
    with pytest.raises(ASGIViolation) as refused:
        check_headers({"headers": headers})
    assert str(refused.value) == complaint


def test_headers_may_be_left_out() -> None:
    assert check_headers({"headers": [(b"x", b"1"), (b"x", b"2")]}) == [(b"x", b"1"), (b"x", b"2")]
    assert check_headers({}) == check_headers({"headers": None}) == []


def test_a_subprotocol_must_be_offered() -> None:
    assert check_subprotocol({"subprotocol": "a"}, ["a", "b"]) == "a"
    assert check_subprotocol({}, ["a"]) is None
    for offered in (["a"], ()):
        with pytest.raises(ASGIViolation, match="the subprotocol 'c' was not offered"):
            check_subprotocol({"subprotocol": "c"}, offered)


@pytest.mark.parametrize("status", ["403", 101, 199, 600, None])
def test_a_status_that_may_not_be(status: object) -> None:
    with pytest.raises(ASGIViolation, match=f"must be an int from 200 to 599, not {status!r}"):
        check_status({"status": status}, DENIAL)


def test_a_denial_must_be_offered() -> None:
    assert check_status({"status": 403}, DENIAL) == 403
    with pytest.raises(ASGIViolation, match="which this server does not offer"):
        check_status({"status": 403}, ())


def test_a_body_is_of_bytes_and_may_be_left_out() -> None:
    assert check_body({"body": b"no"}) == b"no"
    assert check_body({}) == b""
    with pytest.raises(ASGIViolation, match="must be bytes, not str"):
        check_body({"body": "no"})


@pytest.mark.parametrize("event", [{"text": "hi"}, {"bytes": b"hi"}, {"text": None, "bytes": b""}, {"text": ""}])
def test_a_message_that_may_be(event: Event) -> None:
    check_send(event)


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ({}, "exactly one of text and bytes"),
        ({"text": "hi", "bytes": b"hi"}, "exactly one of text and bytes"),
        ({"text": b"hi"}, "the text of a websocket.send must be a str, not bytes"),
        ({"bytes": "hi"}, "the bytes of a websocket.send must be bytes, not str"),
    ],
)
def test_a_message_that_may_not_be(event: Event, complaint: str) -> None:
    with pytest.raises(ASGIViolation) as refused:
        check_send(event)
    assert complaint in str(refused.value)


def test_text_that_no_frame_can_carry_fails_as_it_does_in_a_server() -> None:
    with pytest.raises(UnicodeEncodeError):
        check_send({"text": "\ud800"})


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1009, 1011, 1014, 3000, 4999])
def test_a_code_that_may_be_sent(code: int) -> None:
    assert check_close({"code": code, "reason": "x" * 123}) == (code, "x" * 123)


def test_a_close_without_a_code_is_a_normal_one() -> None:
    assert check_close({}) == check_close({"code": 1000, "reason": None}) == (1000, "")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000])
def test_a_code_that_may_not_be_sent(code: int) -> None:
    with pytest.raises(ASGIViolation, match=f"the close code {code} may not be on the wire"):
        check_close({"code": code})


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ({"code": "1000"}, "a close code must be an int and its reason a str, not '1000' and ''"),
        ({"reason": b"x"}, "a close code must be an int and its reason a str, not 1000 and b'x'"),
        ({"reason": "\u00e9" * 62}, "the close reason is longer than 123 bytes"),
    ],
)
def test_a_close_that_may_not_be(event: Event, complaint: str) -> None:
    with pytest.raises(ASGIViolation) as refused:
        check_close(event)
    assert str(refused.value) == complaint
