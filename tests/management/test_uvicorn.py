"""management/uvicorn.py: quiet, and telling when it has started and when it stops."""

import logging
import socket
import threading

import pytest

from django_ws.management import uvicorn
from django_ws.management.uvicorn import Server, config_of
from serving import no_http
from testing.live_sockets import cannot_start


def test_the_library_of_websockets_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config_of(no_http, 1).ws == "websockets-sansio"
    monkeypatch.setattr(uvicorn, "find_spec", lambda _name: None)
    assert config_of(no_http, 1).ws == "wsproto"


def test_a_line_that_is_not_true_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    config = config_of(no_http, 7)
    assert config.timeout_graceful_shutdown == 7
    assert not config.proxy_headers
    logger = logging.getLogger("uvicorn.error")
    logger.error("ASGI callable returned without completing handshake.")
    logger.info("Started")
    logger.error("something else")
    assert caplog.messages == ["something else"]


def test_it_tells_of_its_start_and_of_its_end() -> None:
    told: list[str] = []

    def started() -> None:
        told.append("started")
        server.should_exit = True

    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(config_of(no_http, 1), on_started=started, on_stopping=lambda: told.append("stopping"))
    thread = threading.Thread(target=server.serve_on, args=(listening,))
    thread.start()
    thread.join(20)
    assert told == ["started", "stopping"]


def test_an_application_that_cannot_start_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(config_of(cannot_start, 1), on_started=lambda: None, on_stopping=lambda: None)
        with pytest.raises(RuntimeError, match=r"its lifespan\.startup failed"):
            server.serve_on(listening)
