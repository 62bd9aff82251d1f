"""What a socket is at, for a test that waits in vain: read from its tasks, which are suspended meanwhile."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asgiref

import django_ws
from django_ws.handler import WebSocket
from django_ws.handler.background import BackgroundTasks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, ModuleType

__all__ = ["socket_below", "what_runs"]


def _folder(module: "ModuleType") -> str:
    return f"{Path(module.__path__[0])}{os.sep}"


_PACKAGE: Final = _folder(django_ws)
_NOT_THE_USERS: Final = (_PACKAGE, _folder(asyncio), _folder(asgiref))


# The messages of the socket do not matter here.
def socket_below(frame: "FrameType | None") -> WebSocket[Any, Any] | None:
    """Find the socket on whose behalf the code of ``frame`` runs, among its callers; ``None`` where there is none."""
    while frame is not None:
        # Not by isinstance(), of which the checkers make different things. Its messages do not matter here.
        owner: Any = frame.f_locals.get("self")
        if WebSocket in type(owner).__mro__:
            socket: WebSocket[Any, Any] = owner
            return socket
        frame = frame.f_back
    return None


# The server's task has a result of any type, and the messages of the socket do not matter here.
def what_runs(task: "asyncio.Task[Any]", socket: WebSocket[Any, Any] | None) -> list[str]:
    """Name what runs in the application's task, then the hooks of the clean-up and the background tasks.

    Args:
        task: The application's task.
        socket: The socket; ``None`` where the handshake has not come so far, or it is somebody else's.
    """
    found = [text for text in [_user_code(task)] if text]
    background: object = getattr(socket, "_tasks", None)
    for other in sorted(asyncio.all_tasks(), key=_name_of):
        if socket is None or other is task:
            continue
        if _owner(other) is socket:
            found += [text for text in [_user_code(other)] if text]
        elif isinstance(background, BackgroundTasks) and other in background:
            found.append(f"the background task {other.get_name()} ({_user_code(other) or 'waits'})")
    return found


# Tasks have results of any type.
def _name_of(task: "asyncio.Task[Any]") -> str:
    return task.get_name()


# Tasks have results of any type.
def _owner(task: "asyncio.Task[Any]") -> object:
    frame: FrameType | None = getattr(task.get_coro(), "cr_frame", None)
    return None if frame is None else frame.f_locals.get("self")


# Tasks have results of any type.
def _frames(task: "asyncio.Task[Any]") -> "Iterator[FrameType]":
    """Give the frames of a suspended task, the outermost first."""
    awaited: object = task.get_coro()
    while awaited is not None:
        frame: FrameType | None = getattr(awaited, "cr_frame", None)
        if frame is not None:
            yield frame
        awaited = getattr(awaited, "cr_await", None)


# Tasks have results of any type.
def _user_code(task: "asyncio.Task[Any]") -> str:
    """Name the hook that a task is in, and where it is; empty where it is in nobody's but ours."""
    frames = list(_frames(task))
    # A middleware around the socket waits as long as the socket does: it is not what runs.
    inside = max((number for number, frame in enumerate(frames) if _is_run(frame)), default=-1)
    users = [frame for frame in frames[inside + 1 :] if not frame.f_code.co_filename.startswith(_NOT_THE_USERS)]
    if not users:
        return ""
    hook, innermost = users[0], users[-1]
    place = f"{Path(innermost.f_code.co_filename).name}:{innermost.f_lineno}"
    where = place if innermost is hook else f"{place} in {innermost.f_code.co_qualname}"
    return f"{hook.f_code.co_qualname} at {where}"


def _is_run(frame: "FrameType") -> bool:
    return frame.f_code.co_name == "run" and frame.f_code.co_filename.startswith(_PACKAGE)
