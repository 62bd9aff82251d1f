from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import ResolverMatch

from django_ws.exceptions import NoRouteError


@dataclass
class TableMatch:
    """What django_ws.interfaces.Match asks for."""

    factory: object
    route: str
    args: tuple[Any, ...] = ()  # of any type: they are the socket's arguments
    kwargs: dict[str, Any] = field(default_factory=dict)
    resolver_match: ResolverMatch | None = None
    urlconf: str | None = None


class TableResolver:
    """Routes by a table, which may change while the site runs: first part of the path -> socket."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self.table = table

    def resolve(self, path: str, /) -> TableMatch:
        name, _, rest = path.lstrip("/").partition("/")
        if name not in self.table:
            raise NoRouteError(path)
        return TableMatch(self.table[name], route=name, args=(rest,))
