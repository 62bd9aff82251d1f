"""The websocket middleware of the project."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from django_ws import Endpoint, Next
from servers.app.journal import note


class Record:
    """The outermost one: notes when a connection comes in and when everything of it is over, and with what."""

    def __init__(self, next_: Next) -> None:
        self.next: Next = next_

    async def __call__(self, ws: Endpoint) -> object:
        connection = ws.request.GET.get("id", "")
        note(connection, "begin")
        outcome = "ok"
        try:
            return await self.next(ws)
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            note(connection, "end", outcome=outcome)


class Nobody:
    """A user who is not logged in; the project has no users of its own."""

    pk = None
    is_authenticated = False


class Door:
    """Says that nobody is logged in, and refuses the paths under ``/door/`` in the way that the path names."""

    def __init__(self, next_: Next) -> None:
        self.next: Next = next_

    async def __call__(self, ws: Endpoint) -> object:
        vars(ws.request)["user"] = Nobody()
        _, _, way = ws.request.path.strip("/").partition("door/")
        match way:
            case "":
                return await self.next(ws)
            case "shut":
                return None
            case "forbidden":
                raise PermissionDenied("not you")
            case "missing":
                raise Http404("no such room")
            case "broken":
                raise ValueError("a fault in the middleware")
            case "value":
                await self.next(ws)
                return "a value that no server may see"
            case _:
                raise AssertionError(way)
