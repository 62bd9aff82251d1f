"""How the servers differ: the one table by which tests expect or skip, and from which the documentation is made.

``test_habits.py`` measures it with bare ASGI applications; ``test_docs_table.py`` holds ``docs/servers.md`` to it.
Write the table into the documentation anew (in the folder ``tests``)::

    python -m servers.habits --write
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "servers.md"
BEGIN: Final = "<!-- table: begin (python -m servers.habits --write) -->"
END: Final = "<!-- table: end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """One server, as it was measured."""

    key: str
    """Short name, for ids of tests."""
    title: str
    """Name in the documentation."""
    version: str
    """The versions that were measured."""
    command: tuple[str, ...]
    """Arguments of Python that start it; ``{port}`` and ``{app}`` are filled in."""

    denial_response: bool = True
    """It has the denial response extension."""
    accept_headers: bool = True
    """It sends the headers of ``websocket.accept``."""
    return_early: int | None = 500
    """HTTP status when the application returns before the handshake is answered; ``None``: the client hangs."""
    raise_early: int = 500
    """HTTP status when the application raises before the handshake is answered."""
    return_late: int | None = 1006
    """What the client sees when the application returns on an open connection; ``None``: it stays open."""
    raise_late: int = 1006
    """What the client sees when the application raises on an open connection."""
    any_close_code: bool = True
    """It sends every close code that RFC 6455 allows; else only 1000 and 3000 to 4999, and raises for others."""
    close_reason: bool = True
    """It sends the reason of a close."""
    long_reason: str = "cut"
    """What becomes of a reason over 123 bytes: cut, dropped, broken (the client sees 1006), or ``send`` raises."""
    send_after_disconnect: str = "silent"
    """What ``send`` does after the disconnect was received."""
    send_after_close: str = "silent"
    """What ``send`` does after the application's own close."""
    disconnect_codes: tuple[int | None, int | None, int | None] = (4321, 1005, 1005)
    """Code of the disconnect after a client's close 4321, a close without a code, and an RST."""
    disconnect_reason: bool = True
    """The disconnect has the client's reason."""
    pending_receive_blocks_close: bool = False
    """A close by one task while another waits in ``receive`` goes out only when that ``receive`` is cancelled."""
    empty_messages: bool = True
    """It sends an empty message."""
    message_limit: int = 16
    """MiB of one incoming message, by default."""
    backpressure: bool = True
    """``send`` waits while the client does not read."""
    ends_application_after: float | None = None
    """Seconds after the client's end at which the server kills the application; ``None``: it does not."""
    shutdown: str = "disconnect 1012"
    """What the application is told at SIGTERM."""
    shutdown_lifespan: bool = True
    """It speaks lifespan, and waits at SIGTERM until the application says that it is done."""
    shutdown_code: int = 1012
    """What the client of a socket sees at SIGTERM, with django-ws."""
    crash_at_shutdown: str | None = None
    """What it writes where it breaks down at SIGTERM now and then, by a fault of its own; ``None``: it does not."""
    quiet_shutdown: bool = True
    """It logs no traceback of its own when it cancels its connections."""
    hangs_at_shutdown_from: tuple[int, int] | None = None
    """Python from which on it never stops at SIGTERM while a socket is open; ``None``: it always stops."""


UVICORN: Final = ("-m", "uvicorn", "{app}", "--host", "127.0.0.1", "--port", "{port}", "--ws")

SERVERS: Final[tuple[Habits, ...]] = (
    Habits(
        key="uvicorn-sansio",
        title="uvicorn, websockets-sansio",
        version="uvicorn 0.54.0, websockets 17.4",
        command=(*UVICORN, "websockets-sansio"),
        long_reason="raises",
        send_after_disconnect="OSError",
        send_after_close="RuntimeError",
    ),
    Habits(
        key="uvicorn-websockets",
        title="uvicorn, websockets (deprecated)",
        version="uvicorn 0.54.0, websockets 17.4",
        command=(*UVICORN, "websockets"),
        long_reason="raises",
        send_after_disconnect="RuntimeError",
        send_after_close="RuntimeError",
        disconnect_codes=(4321, 1005, 1006),
    ),
    Habits(
        key="uvicorn-wsproto",
        title="uvicorn, wsproto",
        version="uvicorn 0.54.0, wsproto 1.3.2",
        command=(*UVICORN, "wsproto"),
        send_after_disconnect="OSError",
        send_after_close="RuntimeError",
    ),
    Habits(
        key="hypercorn",
        title="hypercorn",
        version="hypercorn 0.18.0, wsproto 1.3.2",
        command=("-m", "hypercorn", "{app}", "--bind", "127.0.0.1:{port}", "--graceful-timeout", "2"),
        return_late=1011,
        raise_late=1011,
        send_after_close="Exception",
        disconnect_codes=(1006, 1006, 1006),
        disconnect_reason=False,
        shutdown="cancelled after the graceful timeout",
        quiet_shutdown=False,
        hangs_at_shutdown_from=(3, 12),
    ),
    Habits(
        key="granian",
        title="granian",
        version="granian 2.8.7",
        command=("-m", "granian", "{app}", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}"),
        accept_headers=False,
        return_early=403,
        raise_early=403,
        return_late=1005,
        raise_late=1005,
        long_reason="broken",
        disconnect_reason=False,
        pending_receive_blocks_close=True,
        shutdown="disconnect 1005",
        crash_at_shutdown="Cannot drop pointer into Python heap",
        shutdown_code=1006,
    ),
    Habits(
        key="daphne",
        title="daphne",
        version="daphne 4.2.3",
        command=("-m", "daphne", "{app}", "-b", "127.0.0.1", "-p", "{port}"),
        denial_response=False,
        accept_headers=False,
        return_early=None,
        return_late=None,
        raise_late=1011,
        any_close_code=False,
        close_reason=False,
        long_reason="dropped",
        send_after_close="RuntimeError",
        disconnect_codes=(4321, None, 1006),
        disconnect_reason=False,
        empty_messages=False,
        message_limit=1,
        backpressure=False,
        ends_application_after=10,
        shutdown="nothing",
        shutdown_lifespan=False,
        shutdown_code=1006,
    ),
)


def _code(code: int | None) -> str:
    return "none" if code is None else str(code)


def _yes(value: bool) -> str:
    return "yes" if value else "**no**"


def _shutdown_stops(habits: Habits) -> str:
    if habits.hangs_at_shutdown_from is None:
        return "yes" if habits.crash_at_shutdown is None else "yes, **now and then by a crash**"
    return f"yes; from Python {'.'.join(map(str, habits.hangs_at_shutdown_from))} on **not while a socket is open**"


ROWS: Final[tuple[tuple[str, str, Callable[[Habits], str]], ...]] = (
    ("Versions measured", "", lambda habits: habits.version),
    ("Denial response extension", "denial", lambda habits: _yes(habits.denial_response)),
    ("Sends the headers of `websocket.accept`", "headers", lambda habits: _yes(habits.accept_headers)),
    (
        "Application returns before the handshake is answered",
        "ends",
        lambda habits: "**client hangs**" if habits.return_early is None else str(habits.return_early),
    ),
    ("Application raises before it", "ends", lambda habits: str(habits.raise_early)),
    (
        "Application returns on an open connection: client sees",
        "ends",
        lambda habits: "**stays open**" if habits.return_late is None else str(habits.return_late),
    ),
    ("Application raises on it: client sees", "ends", lambda habits: str(habits.raise_late)),
    (
        "Close codes sent",
        "codes",
        lambda habits: "all" if habits.any_close_code else "**1000, 3000 to 4999; raises for others**",
    ),
    ("Sends the close reason", "reasons", lambda habits: _yes(habits.close_reason)),
    ("A reason over 123 bytes", "reasons", lambda habits: habits.long_reason),
    ("`send` after the disconnect was received", "late", lambda habits: habits.send_after_disconnect),
    ("`send` right after one's own close", "late", lambda habits: habits.send_after_close),
    (
        "Code in the disconnect: client closes with 4321 / without a code / resets",
        "disconnects",
        lambda habits: " / ".join(_code(code) for code in habits.disconnect_codes),
    ),
    ("Client's reason in the disconnect", "disconnects", lambda habits: _yes(habits.disconnect_reason)),
    (
        "A close goes out while a `receive` is pending",
        "pending",
        lambda habits: _yes(not habits.pending_receive_blocks_close),
    ),
    ("Sends empty messages", "empty", lambda habits: _yes(habits.empty_messages)),
    ("Own limit on a message, by default", "limit", lambda habits: f"{habits.message_limit} MiB"),
    ("`send` waits while the client does not read", "backpressure", lambda habits: _yes(habits.backpressure)),
    ("SIGTERM: a bare application is told", "shutdown", lambda habits: habits.shutdown),
    ("SIGTERM: waits for the lifespan's end", "shutdown", lambda habits: _yes(habits.shutdown_lifespan)),
    ("SIGTERM: the client of django-ws sees", "shutdown", lambda habits: str(habits.shutdown_code)),
    ("SIGTERM: stops", "shutdown", _shutdown_stops),
)
"""The rows of the table: what it says, the paragraph that explains it, and the cell of a server."""


def table() -> str:
    """Make the table of the documentation."""
    head = ["", *[habits.title for habits in SERVERS]]
    lines = [_line(head), _line(["---"] * len(head))]
    for title, anchor, cell in ROWS:
        first = f"[{title}](#{anchor})" if anchor else title
        lines.append(_line([first, *[cell(habits) for habits in SERVERS]]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def with_table(text: str) -> str:
    """Give the documentation's text with the table of now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m servers.habits --write")
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
