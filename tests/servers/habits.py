"""How the servers differ: the one table by which tests expect or skip, and from which the documentation is made.

``test_habits.py`` measures it with bare ASGI applications; ``test_docs_table.py`` holds ``docs/servers.md`` to it.
Write the table into the documentation anew (in the folder ``tests``)::

    python -m servers.habits --write
"""

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
