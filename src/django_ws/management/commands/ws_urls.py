"""``manage.py ws_urls``: every websocket route, what stands there, and the middleware around it."""

import json
import shutil
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, Literal

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from django_ws.conf import get_settings
from django_ws.management.routes import routes_of
from django_ws.routing import DjangoResolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from django.core.management.base import CommandParser

    from django_ws.management.routes import Route

__all__ = ["Command"]

_GAP: Final = "  "
_DJANGO: Final = "django_ws.middleware.DjangoMiddleware"
_NARROWEST: Final = 40
"""Columns below which lines are not made shorter."""


class Command(BaseCommand):
    """Lists the websocket routes; a route that is wrong is shown with its fault, and the others all the same."""

    help = "List the websocket routes: handler, name, subprotocols, messages and guards of each, and the middleware."
    # A fault that a check would stop at is what one wants to look at here.
    requires_system_checks: "list[str] | tuple[str, ...] | Literal['__all__']" = ()

    @override
    def add_arguments(self, parser: "CommandParser") -> None:
        """Add ``--format``."""
        parser.add_argument("--format", choices=("text", "json"), default="text", help="text (the default) or json")

    @override
    def handle(self, *_args: object, **options: object) -> None:
        """List them.

        Raises:
            CommandError: There is no websocket URLconf, or a setting is wrong.
        """
        try:
            settings = get_settings()
            resolver = DjangoResolver()
            routes = routes_of(resolver)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        django = [name for name in django_settings.MIDDLEWARE if name not in settings.skip_middleware]
        if options["format"] == "json":
            found = {
                "urlconf": resolver.urlconf,
                "middleware": settings.middleware,
                "django_middleware": django if _DJANGO in settings.middleware else [],
                "routes": [asdict(route) for route in routes],
            }
            self.stdout.write(json.dumps(found, indent=2))
            return
        width = max(shutil.get_terminal_size().columns, _NARROWEST)
        count = f"{len(routes)} websocket route{'' if len(routes) == 1 else 's'}"
        self.stdout.write(self.style.MIGRATE_HEADING(f"{count} in {resolver.urlconf}"))
        for line in self._table(routes, width) or self._blocks(routes, width):
            self.stdout.write(line)
        self.stdout.write("\n" + self.style.MIGRATE_HEADING("Middleware, the outermost first"))
        for line in _chain(settings.middleware, django):
            self.stdout.write(line)

    # --- a line for each route ------------------------------------------------------------------------

    def _table(self, routes: "Sequence[Route]", width: int) -> list[str]:
        """Lay out one line for each route; nothing if that is too wide, or a fault needs lines of its own."""
        if any(route.fault for route in routes):
            return []
        rows = [{"route": _route(route), **dict(_cells(route))} for route in routes]
        titles = [title for title in ("route", *_TITLES) if any(title in row for row in rows)]
        widths = {title: max(len(title), *(len(row.get(title, "")) for row in rows)) for title in titles}
        if sum(widths.values()) + len(_GAP) * (len(titles) - 1) > width:
            return []

        def line(row: dict[str, str], styles: "dict[str, Callable[[str], str]]") -> str:
            cells = [styles.get(title, str)(row.get(title, "").ljust(widths[title])) for title in titles]
            return _GAP.join(cells).rstrip()

        head = line({title: title for title in titles}, dict.fromkeys(titles, self.style.MIGRATE_LABEL))
        return [head, *(line(row, {"route": self.style.SUCCESS}) for row in rows)]

    # --- a block for each route -----------------------------------------------------------------------

    def _blocks(self, routes: "Sequence[Route]", width: int) -> "Iterator[str]":
        """Lay out a few lines for each route, none wider than ``width`` where it can be broken."""
        column = max(map(len, _TITLES)) + 2 * len(_GAP)
        for number, route in enumerate(routes):
            if number:
                yield ""
            yield self.style.SUCCESS(_route(route))
            for title, text in _cells(route):
                first = f"{_GAP}{title}".ljust(column)
                lines = textwrap.wrap(text, max(width - column, 1), break_long_words=False, break_on_hyphens=False)
                style = self.style.ERROR if title == "fault" else str
                yield self.style.MIGRATE_LABEL(first) + style(lines[0])
                yield from (" " * column + style(line) for line in lines[1:])


_TITLES: Final = ("name", "handler", "messages", "subprotocols", "guards", "fault")


def _route(route: "Route") -> str:
    return route.route or "(the empty route)"


def _cells(route: "Route") -> "Iterator[tuple[str, str]]":
    """Give what there is to tell, each with its title, in the order of the titles."""
    messages = "" if route.receives is None else f"{route.receives} in, {route.sends} out"
    if route.receives is not None and route.receives == route.sends:
        messages = route.receives
    cells = (
        route.name,
        route.handler,
        messages,
        ", ".join(route.subprotocols),
        ", ".join(route.guards),
        " ".join((route.fault or "").split()),
    )
    yield from ((title, text) for title, text in zip(_TITLES, cells, strict=True) if text)


def _chain(middleware: "Sequence[str]", django: "Sequence[str]") -> "Iterator[str]":
    if not middleware:
        yield f"{_GAP}none: WS_MIDDLEWARE is empty"
    for number, name in enumerate(middleware, 1):
        yield f"{_GAP}{number}. {name}"
        if name == _DJANGO:
            yield from (f"{_GAP}     {inner}" for inner in django)
