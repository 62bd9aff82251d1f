"""management/serving.py: bound as Django's server is; the life of it is in test_uvicorn.py and testing/test_live.py."""

import importlib.util
import threading
from importlib.machinery import ModuleSpec

import pytest

from django_ws.management import serving
from django_ws.management.serving import ASGIServer, what_is_missing
from serving import no_http
from testing.live_sockets import cannot_start


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        (["uvicorn", "websockets"], ""),
        (["uvicorn", "wsproto"], ""),
        (["websockets"], "uvicorn is not installed: pip install 'django-ws[server]'"),
        (["uvicorn"], "uvicorn has neither websockets nor wsproto to speak websockets with: pip install"),
    ],
)
def test_what_is_missing_is_said(installed: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> ModuleSpec | None:
        return importlib.util.find_spec("json") if name in installed else None

    monkeypatch.setattr(serving, "find_spec", find)
    assert what_is_missing().startswith(said)
    assert bool(what_is_missing()) == bool(said)


# ASGI: as an application that speaks no lifespan.
def test_a_server_that_is_stopped_before_it_serves_does_not() -> None:
    server = ASGIServer(("127.0.0.1", 0))
    assert server.server_port > 0
    server.set_app(no_http)  # type: ignore[arg-type]  # wsgiref: an application of WSGI
    server.stop()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert server.socket.fileno() == -1


def test_an_application_that_cannot_start_leaves_no_socket_open() -> None:
    server = ASGIServer(("127.0.0.1", 0))
    server.set_app(cannot_start)  # type: ignore[arg-type]  # as above
    with pytest.raises(RuntimeError, match="cannot start"):
        server.serve_forever()
    assert server.socket.fileno() == -1


def test_it_is_stopped_while_it_serves() -> None:
    server = ASGIServer(("127.0.0.1", 0))
    server.set_app(no_http)  # type: ignore[arg-type]  # as above
    told: list[str] = []
    server.on_started = server.stop
    server.on_stopping = lambda: told.append("stopping")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    thread.join(20)
    assert told == ["stopping"]
