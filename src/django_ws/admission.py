"""How many connections an address and a user may have open: ``WS_MAX_CONNECTIONS_PER_ADDRESS`` and ``..._PER_USER``.

Counted in each process, and, where ``WS_CONNECTIONS_CACHE`` names a cache, in all of them together.

The address is that of the ASGI scope: behind a proxy, the server must be told to trust it (uvicorn by
``--forwarded-allow-ips``, daphne by ``--proxy-headers``), or every client has the proxy's. Private addresses, where
proxies are, are therefore not counted unless ``WS_UNLIMITED_ADDRESSES`` says so.
"""

from typing import TYPE_CHECKING, final

from django.core.exceptions import PermissionDenied

from django_ws.limits import PRIVATE_NETWORKS, AddressFilter, Places, SharedPlaces
from django_ws.refusals import Limit
from django_ws.users import user_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django_ws.conf import WebSocketSettings
    from django_ws.interfaces import Endpoint, Scope

__all__ = ["Admission", "TooManyConnectionsError"]


class TooManyConnectionsError(PermissionDenied):
    """An address or a user has as many connections as it may have; denied with 429.

    Attributes:
        limit: Which of the two limits struck.
    """

    def __init__(self, limit: Limit, who: str, maximum: int) -> None:
        super().__init__(f"{who} has {maximum} open connections, as many as {limit.value} allows")
        self.limit: Limit = limit


@final
class Admission:
    """Counts connections, and refuses those that are too many.

    Args:
        settings: The limits.
    """

    __slots__ = ("_address_key", "_places", "_shared", "per_address", "per_user")

    def __init__(self, settings: "WebSocketSettings") -> None:
        networks = settings.unlimited_addresses
        self.per_address: int | None = settings.max_connections_per_address
        """Open connections that an address may have."""
        self.per_user: int | None = settings.max_connections_per_user
        """Open connections that a user may have."""
        self._address_key: Callable[[object], str | None] = AddressFilter(
            PRIVATE_NETWORKS if networks is None else networks
        ).key
        self._places: Places = Places()
        alias = settings.connections_cache
        self._shared: SharedPlaces | None = None if alias is None else SharedPlaces(alias)

    def __len__(self) -> int:
        """Count the addresses and users that have a connection open."""
        return len(self._places)

    def address(self, scope: "Scope") -> str | None:
        """Give what a handshake's address is counted by; ``None`` where it is not."""
        return None if self.per_address is None else self._address_key(scope.get("client"))

    def enter_address(self, address: str) -> "Awaitable[None] | None":
        """Count a connection of ``address``, to be given back by :meth:`leave`.

        Returns:
            ``None``, or what must be awaited, and may raise as well.

        Raises:
            TooManyConnectionsError: It has enough.
        """
        return self._enter(address, self.per_address or 0, Limit.CONNECTIONS_PER_ADDRESS)

    def _enter(self, key: str, maximum: int, limit: Limit) -> "Awaitable[None] | None":
        if not self._places.take(key, maximum):
            raise TooManyConnectionsError(limit, key, maximum)
        return None if self._shared is None else self._share(self._shared, key, maximum, limit)

    async def _share(self, shared: SharedPlaces, key: str, maximum: int, limit: Limit) -> None:
        taken = False
        try:
            taken = await shared.take(key, maximum)
        finally:
            if not taken:
                self._places.release(key)
        if not taken:
            raise TooManyConnectionsError(limit, key, maximum)

    def leave(self, key: str | None) -> None:
        """Give back the place of a connection that has ended, if it had one."""
        if key is None:
            return
        self._places.release(key)
        if self._shared is not None:
            # Who ends may have been cancelled, and the loop may be about to end: nothing is awaited here.
            self._shared.release_nowait(key)

    async def run(self, ws: "Endpoint", /) -> object:
        """Run the socket, counted by its user: the innermost step, where all middleware has had its say.

        Raises:
            TooManyConnectionsError: The user has enough.
        """
        # Here a query is what the setting asks for.
        pk: object = getattr(await user_of(ws.request), "pk", None)
        if pk is None or self.per_user is None:
            return await ws.run()
        key = f"user {pk}"
        shared = self._enter(key, self.per_user, Limit.CONNECTIONS_PER_USER)
        if shared is not None:
            await shared
        try:
            return await ws.run()
        finally:
            self.leave(key)
