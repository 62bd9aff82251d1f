"""The site over a network that brings each page in pieces, as slow ones do."""

import contextlib
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from typing_extensions import override

PIECES = 8
"""Of a page. What it is made of (styles, scripts, pictures) comes at once."""
PAUSE = 0.1
"""Between two pieces, in seconds: a browser shows what it has meanwhile."""


class _Slow(SimpleHTTPRequestHandler):
    # typeshed: copyfile takes what can be read and what can be written.
    @override
    def copyfile(self, source: Any, outputfile: Any) -> None:
        body: bytes = source.read()
        size = len(body) // PIECES + 1 if self.path.endswith(".html") else len(body) + 1
        for start in range(0, len(body), size):
            outputfile.write(body[start : start + size])
            if size < len(body):
                time.sleep(PAUSE)

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def served_slowly(folder: Path) -> Iterator[str]:
    """Serve a folder; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Slow, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
