"""Programs that run for as long as the demo does: however it ends, they end, too."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

PATIENCE = 30  # seconds

# Its standard input ends when the demo does, even if that is killed: then the program is told to end. When the program
# has ended, told or not, its folder is removed, and what it may have left running is killed.
KEEPER = """
folder=$1 signal=$2; shift 2
exec 3<&0
"$@" 3<&- & program=$!
{ read -r line <&3; kill -s "$signal" "$program"; } &
wait "$program" 2>/dev/null
test -z "$folder" || rm -rf "$folder"
kill -s KILL 0
"""


@contextmanager
def kept(
    *command: str, until: Callable[[], bool], folder: Path | None = None, end_by: str = "TERM"
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; give it when it is ready.

    Args:
        command: The program and its arguments.
        until: Says whether it is ready.
        folder: Where it runs, silently; it is removed after it. None: here, and what it says is seen.
        end_by: The signal that ends it.
    """
    with TemporaryFile() as said:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", str(folder or ""), end_by, *command],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=said if folder else None,
            stderr=said if folder else None,
            start_new_session=True,  # Ctrl+C is for the demo, which ends its programs one after the other
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not until():
                if keeper.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    sys.exit(f"{Path(command[0]).name} does not start.\n{said.read().decode(errors='replace')}")
                time.sleep(0.02)
            yield keeper
        finally:
            keeper.communicate(timeout=PATIENCE)
