"""The tables of docs/denials.md, read; and, for each of their rows, how it comes about."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["CLOSINGS", "DENIALS", "DOCUMENT", "LATE", "OPEN_ENDS", "SHUTDOWN", "Closing", "Denied", "cells"]

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "denials.md"


@dataclass(frozen=True, slots=True)
class Denied:
    """A row of the table of denials: which handshakes are refused in that way."""

    row: str
    """Its first cell."""
    paths: tuple[str, ...]
    """Each of them."""
    protocols: tuple[str, ...] | None = None
    """The subprotocols that are offered."""
    page: str = "own"
    """Where they come from: the own page, another site, or the own page under a host that is not allowed."""
    user: str | None = None
    """Who is logged in."""
    occupied: str | None = None
    """What the same page has open."""
    always_http: bool = False
    """Whether it is refused over HTTP whatever ``WS_DENIAL`` says."""


DENIALS: Final = (
    Denied("`login_required` of `django_ws.guards`: nobody is logged in", ("/ws/private/",)),
    Denied("a redirect to `LOGIN_URL`: Django's `login_required`, `LoginRequiredMiddleware`", ("/ws/decorated/",)),
    Denied("any other redirect", ("/ws/refusing/elsewhere/",)),
    Denied("`PermissionDenied`", ("/ws/refusing/permission/",)),
    Denied("a guard that the user does not pass", ("/ws/moderators/",), user="ada"),
    Denied("no route, `Http404`", ("/ws/nowhere/", "/ws/refusing/missing/")),
    Denied("`subprotocol_required`, and none in common", ("/ws/chat/strict/",), protocols=("chat.v3",)),
    Denied("`WS_MAX_CONNECTIONS_PER_USER`", ("/ws/hold/",), user="grace", occupied="/ws/hold/"),
    Denied("a response of your own: `HttpResponse(status=429)`", ("/ws/refusing/429/",)),
    Denied("a response of your own: `HttpResponse(status=503)`", ("/ws/refusing/503/",)),
    Denied("an exception in a guard, a middleware or `on_connect`", ("/ws/refusing/fault/",)),
    Denied("another site's `Origin`", ("/ws/whoami/",), page="foreign", always_http=True),
    Denied("a `Host` that is not in `ALLOWED_HOSTS`", ("/ws/whoami/",), page="bad host", always_http=True),
    Denied(
        "`WS_MAX_CONNECTIONS_PER_ADDRESS`",
        ("/ws/crowded/hold/",),
        occupied="/ws/crowded/hold/",
        always_http=True,
    ),
)
LATE: Final = "`WS_HANDSHAKE_TIMEOUT`"
SHUTDOWN: Final = "the server is stopped during the handshake"


@dataclass(frozen=True, slots=True)
class Closing:
    """A row of the table of open sockets: what the page opens and sends."""

    row: str
    """Its first cell."""
    path: str
    """What it opens."""
    sends: tuple[str, ...] = ()
    """What it sends."""


_TOO_DEEP: Final = "[" * 200 + "]" * 200

CLOSINGS: Final = (
    Closing("your code came to its end, or called `close()`", "/ws/done/"),
    Closing('your code called `close(4001, "of our own")`', "/ws/code/4001/"),
    Closing("`WS_IDLE_TIMEOUT`", "/ws/idle/"),
    Closing("`WS_MESSAGES_PER_SECOND` and `flood = Flood.CLOSE`", "/ws/slow-down/", ("x",) * 50),
    Closing("`WS_MAX_MESSAGE_SIZE`", "/ws/small/", ("x" * 17,)),
    Closing("what came is not JSON", "/ws/json/", ("{",)),
    Closing("JSON nests deeper than `WS_MAX_MESSAGE_DEPTH`", "/ws/json/", (_TOO_DEEP,)),
    Closing("text came where the socket takes `bytes`", "/ws/binary/", ("x",)),
    Closing("`PermissionDenied` in a hook", "/ws/forbidden/", ("x",)),
    Closing("any other exception in a hook", "/ws/fault/", ("x",)),
)
OPEN_ENDS: Final = {"SIGTERM": "the server is stopped", "SIGKILL": "the server dies, or the network"}
"""The rows of sockets that end with their server, by what ends that."""


def cells(table: str) -> dict[str, list[str]]:
    """Read a table of the document.

    Args:
        table: Its name, in the comment above it.

    Returns:
        The rows by their first cell.
    """
    text = DOCUMENT.read_text(encoding="utf-8")
    _, _, rest = text.partition(f"<!-- table: {table} -->")
    lines = [line for line in rest.partition("<!-- table: end -->")[0].splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    assert len({len(row) for row in rows}) == 1, f"no table {table}, or one with ragged rows"
    return {row[0]: row[1:] for row in rows}
