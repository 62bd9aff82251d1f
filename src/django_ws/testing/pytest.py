"""The fixture of the live server: ``pytest_plugins = ["django_ws.testing.pytest"]`` in the ``conftest.py`` at the root.

It needs no other plugin. With pytest-django it is enough to name the fixture: the database is that plugin's
``transactional_db``.
"""

from typing import TYPE_CHECKING, final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WebSocketLiveServer", "ws_live_server"]


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
def ws_live_server(request: pytest.FixtureRequest) -> "Iterator[WebSocketLiveServer]":
    """Serve the project for one test, websockets and HTTP: see :mod:`django_ws.testing.live`.

    At the test's end every socket is closed with 1012, and its clean-up, ``on_close`` included, is waited for.

    Raises:
        ImproperlyConfigured: What it serves with is not installed.
    """
    # Not before Django's settings are there: pytest imports this module first of all.
    from django.test import modify_settings  # noqa: PLC0415

    from django_ws.testing.live import live_server  # noqa: PLC0415

    try:
        request.getfixturevalue("transactional_db")
    except pytest.FixtureLookupError as error:
        if error.argname != "transactional_db":
            raise
    host = "localhost"
    with modify_settings(ALLOWED_HOSTS={"append": host}), live_server(host) as server:
        yield WebSocketLiveServer(host, server.port)
