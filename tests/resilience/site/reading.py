"""One reading of the ledger, as it travels from the server to whoever asks. Imports nothing of the project."""

from dataclasses import dataclass, field

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one server process holds, after a garbage collection."""

    pid: int
    begun: int
    """Connections that came in as far as the outermost middleware."""
    ended: int
    """Those of them that have left it."""
    opened: int
    """Calls of ``on_open``."""
    closed: int
    """Calls of ``on_close``."""
    handlers: int
    """Sockets that are still in memory."""
    connections: int
    """Connections that the application has not finished, denied ones included."""
    tasks: int
    """asyncio tasks, without the one that reads this."""
    descriptors: int
    """Open files and sockets of the process, that of this request included."""
    threads: int
    memory: int
    """Resident set, in bytes."""
    counts: dict[str, int] = field(default_factory=dict)
    """What the sockets of a scenario have counted under names of their own."""
