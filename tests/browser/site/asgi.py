"""The ASGI application: django-ws, behind a note of each handshake that the browser sends."""

import logging
import os
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from typing import Any

from django_ws import get_websocket_application

# ASGI: scopes and events are open dicts.
Scope = dict[str, Any]
# See Scope.
Receive = Callable[[], Awaitable[dict[str, Any]]]
# See Scope.
Send = Callable[[dict[str, Any]], Awaitable[None]]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "browser.site.settings")
websockets = get_websocket_application()
logger = logging.getLogger("site")

PUBLIC_ADDRESS = ("203.0.113.9", 4711)
"""Of a network for documentation (RFC 5737): private addresses are not counted."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Note the Origin and the names of the cookies, which the tests look for, and go on."""
    if scope["type"] == "websocket":
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        cookies = ",".join(sorted(SimpleCookie(headers.get("cookie"))))
        logger.info("handshake %s origin=%s cookies=%s", scope["path"], headers.get("origin"), cookies)
        if scope["path"].startswith("/ws/crowded/"):
            # As behind a proxy that the server trusts.
            scope = {**scope, "client": PUBLIC_ADDRESS}
    await websockets(scope, receive, send)
