"""The fixture of the live server: ``pytest_plugins = ["django_ws.testing.pytest"]`` in the ``conftest.py`` at the root.

It needs no other plugin. With pytest-django, a test that names the fixture is a ``django_db(transaction=True)``.
"""

from typing import TYPE_CHECKING, final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WebSocketLiveServer", "pytest_collection_modifyitems", "ws_live_server"]


@final
class WebSocketLiveServer:
    """What the fixture gives.

    Args:
        host: Where the server listens.
        port: Its port.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host: str = host
        """Where it listens."""
        self.port: int = port
        """Its port."""

    @property
    def url(self) -> str:
        """``http://``, host and port; no slash at its end."""
        return f"http://{self.host}:{self.port}"

    @property
    def ws_url(self) -> str:
        """The same for websockets: ``ws://``, host and port."""
        return f"ws://{self.host}:{self.port}"


@pytest.fixture
def ws_live_server() -> "Iterator[WebSocketLiveServer]":
    """Serve the project for one test, websockets and HTTP: see :mod:`django_ws.testing.live`.

    At the test's end every socket is closed with 1012, and its clean-up, ``on_close`` included, is waited for.

    Raises:
        ImproperlyConfigured: What it serves with is not installed.
    """
    # Not before Django's settings are there: pytest imports this module first of all.
    from django.test import modify_settings  # noqa: PLC0415

    from django_ws.testing.live import live_server  # noqa: PLC0415

    host = "localhost"
    with modify_settings(ALLOWED_HOSTS={"append": host}), live_server(host) as server:
        yield WebSocketLiveServer(host, server.port)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what uses the fixture for pytest-django, which goes by the marks to make databases before all tests."""
    if not config.pluginmanager.has_plugin("django"):
        return
    for item in items:
        if "ws_live_server" in getattr(item, "fixturenames", ()):
            mark = item.get_closest_marker("django_db")
            options: dict[str, object] = {} if mark is None else dict(mark.kwargs)
            item.add_marker(pytest.mark.django_db(**options | {"transaction": True}), append=False)
