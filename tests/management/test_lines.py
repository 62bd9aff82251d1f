"""management/lines.py: one line for each request and each step of a socket, in the colour of its status."""

import logging
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management.color import color_style
from django.utils.log import ServerFormatter
from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.close_codes import CloseCode
from django_ws.interfaces import ASGIApplication
from django_ws.management.lines import RequestLines, show_sockets
from django_ws.signals import websocket_closed, websocket_denied, websocket_opened
from django_ws.testing import Peer, websocket_scope
from serving import Echo, serving

Lines = list[tuple[int, int, str]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Level, status and text of each."""
    found: Lines = []

    class Noting(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            assert re.fullmatch(r"\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d", vars(record)["server_time"])
            found.append((record.levelno, vars(record)["status_code"], record.getMessage()))

    logger, handler = logging.getLogger("django.server"), Noting()
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


@pytest.fixture
def shown() -> Iterator[None]:
    signals = (websocket_opened, websocket_closed, websocket_denied)
    before = [list(signal.receivers) for signal in signals]
    show_sockets()
    show_sockets()
    yield
    for signal, receivers in zip(signals, before, strict=True):
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


def scope(**changed: object) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "path": "/a b/",
        "raw_path": b"/a%20b/",
        "query_string": b"",
        "http_version": "1.1",
        **changed,
    }


def answering(*messages: dict[str, Any]) -> ASGIApplication:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return application


async def ask(application: ASGIApplication, **changed: object) -> list[object]:
    sent: list[object] = []

    async def receive() -> dict[str, Any]:
        raise NotImplementedError

    async def send(message: object) -> None:
        sent.append(message)

    await RequestLines(application)(scope(**changed), receive, send)
    return sent


START = {"type": "http.response.start", "status": 200}
BODY = {"type": "http.response.body", "body": b"12345"}
END = {"type": "http.response.body"}
OTHER = {"type": "http.response.trailers"}


async def test_a_request_is_told_when_it_is_answered(lines: Lines) -> None:
    assert await ask(answering(START, BODY, BODY, END, OTHER), query_string=b"a=\x1b&b") == [
        START,
        BODY,
        BODY,
        END,
        OTHER,
    ]
    assert lines == [(logging.INFO, 200, r'"GET /a%20b/?a=\x1b&b HTTP/1.1" 200 10')]


@pytest.mark.parametrize(("status", "level"), [(304, logging.INFO), (404, logging.WARNING), (503, logging.ERROR)])
async def test_its_level_goes_by_the_status(status: int, level: int, lines: Lines) -> None:
    await ask(answering({**START, "status": status}, END), raw_path=None)
    assert lines == [(level, status, f'"GET /a b/ HTTP/1.1" {status} 0')]


async def test_a_fault_is_a_500(lines: Lines) -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError):
        await ask(application)
    assert lines == [(logging.ERROR, 500, '"GET /a%20b/ HTTP/1.1" 500 0')]


async def test_what_is_no_request_is_handed_on_and_not_told(lines: Lines) -> None:
    assert await ask(answering(END), type="lifespan") == [END]
    assert lines == []


class Ending(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        await self.close(int(data))


async def test_djangos_own_formatter_colours_it() -> None:
    plain, formatted = StringIO(), StringIO()
    handlers = []
    for stream, style in ((plain, color_style(False)), (formatted, color_style(True))):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(ServerFormatter("[{server_time}] {message}", style="{"))
        assert isinstance(handler.formatter, ServerFormatter)
        handler.formatter.style = style
        handlers.append(handler)
    logger = logging.getLogger("django.server")
    for handler in handlers:
        logger.addHandler(handler)
        await ask(answering({**START, "status": 404}, END))
        logger.removeHandler(handler)
    assert "\x1b[" not in plain.getvalue()
    assert "\x1b[" in formatted.getvalue()


@pytest.mark.usefixtures("shown")
@pytest.mark.parametrize(
    ("code", "status", "level"),
    [
        (1000, 200, logging.INFO),
        (4321, 200, logging.INFO),
        (CloseCode.POLICY_VIOLATION, 400, logging.WARNING),
        (CloseCode.INTERNAL_ERROR, 500, logging.ERROR),
    ],
)
async def test_a_socket_is_told_as_it_opens_and_closes(code: int, status: int, level: int, lines: Lines) -> None:
    async with Peer(serving(Ending, path="/ws/\x1b/"), websocket_scope("/ws/\x1b/")) as peer:
        assert await peer.connect()
        peer.text(str(int(code)))
        assert await peer.wait_closed() == code
    assert lines[0] == (logging.INFO, 101, r"WebSocket /ws/\x1b/ opened")
    assert lines[1][:2] == (level, status)
    assert re.fullmatch(rf"WebSocket /ws/\\x1b/ closed with {int(code)} after \d+\.\d{{3}} s", lines[1][2])
    assert len(lines) == 2


@pytest.mark.usefixtures("shown")
async def test_a_denial_is_told_with_its_reason(lines: Lines) -> None:
    async with Peer(serving(Echo, path="/other/"), websocket_scope("/ws/", query_string=b"token=secret")) as peer:
        assert not await peer.connect()
    assert lines == [(logging.WARNING, 404, "WebSocket /ws/ denied with 404: Not Found")]


@pytest.mark.usefixtures("shown")
async def test_a_handshake_that_cannot_be_read_has_no_path(lines: Lines) -> None:
    broken = websocket_scope("/", headers=[("host", "a"), ("host", "b")])
    async with Peer(serving(Echo), broken) as peer:
        assert not await peer.connect()
    [(_, status, text)] = lines
    assert status == 400
    assert text.startswith("WebSocket ")
