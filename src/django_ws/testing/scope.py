"""The scope of a websocket, as a server would make it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["websocket_scope"]


# ASGI: scopes are open dicts.
def websocket_scope(
    path: str = "/",
    *,
    headers: "Iterable[tuple[str, str]]" = (),
    subprotocols: "Sequence[str]" = (),
    query: str = "",
    denial_response: bool = True,
    **more: object,
) -> dict[str, Any]:
    """Make the scope of a websocket (ASGI www.rst, "Websocket Connection Scope").

    Args:
        path: The decoded path.
        headers: In order; ``host`` is ``localhost`` unless given.
        subprotocols: What the client offers.
        query: The query string, without its question mark.
        denial_response: Whether the server offers the denial response extension.
        **more: Replaces or adds keys.
    """
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if not any(name == b"host" for name, _ in raw):
        raw.insert(0, (b"host", b"localhost"))
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": raw,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "subprotocols": list(subprotocols),
        "extensions": {"websocket.http.response": {}} if denial_response else {},
        **more,
    }
