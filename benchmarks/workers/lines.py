"""The worker's side of the JSON lines."""

import json
import os
import sys
import traceback
from typing import IO, TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

__all__ = ["Operations", "answer", "pin", "requests", "take_over_stdout"]

# An operation's arguments and its result are any JSON.
Operations: TypeAlias = "Mapping[str, Callable[..., Awaitable[Any]]]"


def take_over_stdout() -> IO[str]:
    """Keep standard output for the answers: what anybody else prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


# A request's arguments are any JSON.
def requests() -> "list[dict[str, Any]]":
    """Wait for one request; none if the parent has gone."""
    line = sys.stdin.readline()
    return [json.loads(line)] if line else []


# An answer is any JSON.
def answer(answers: IO[str], result: Any = None, *, failed: bool = False) -> None:
    """Answer a request; in an ``except`` clause, with the traceback."""
    body = {"error": traceback.format_exc()} if failed else {"result": result}
    answers.write(json.dumps(body) + "\n")
    answers.flush()


def pin(core: int | None) -> None:
    """Stay on one core, where the system can be told so and there is more than one."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[core % len(cores)]})
