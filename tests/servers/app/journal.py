"""What happened in the server's process, for the test to read: one JSON line an event, flushed at once."""

import json
import os
import threading
from typing import Final

_file: Final = open(os.environ["JOURNAL"], "a", encoding="utf-8", buffering=1)  # noqa: SIM115, PTH123
_lock: Final = threading.Lock()


def note(connection: str, event: str, **fields: object) -> None:
    """Note that ``event`` happened in the connection of that id."""
    line = json.dumps({"id": connection, "event": event, **fields})
    with _lock:
        _file.write(f"{line}\n")
        _file.flush()
