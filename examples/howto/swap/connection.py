from collections import Counter
from collections.abc import Awaitable, Sequence

from django_ws.interfaces import ASGIReceive, ASGISend, Connection, Data, Headers, Scope
from django_ws.protocol import ASGIConnection

traffic: Counter[str] = Counter()


class MeasuredConnection:
    """Counts the messages of all sockets; the rest is that of the connection within."""

    def __init__(self, connection: Connection) -> None:
        self._inner = connection

    @property
    def subprotocols(self) -> Sequence[str]:
        return self._inner.subprotocols

    @property
    def is_open(self) -> bool:
        return self._inner.is_open

    @property
    def is_answered(self) -> bool:
        return self._inner.is_answered

    @property
    def close_code(self) -> int | None:
        return self._inner.close_code

    @property
    def close_reason(self) -> str:
        return self._inner.close_reason

    async def accept(self, subprotocol: str | None = None, headers: Headers = ()) -> None:
        await self._inner.accept(subprotocol, headers)

    async def deny(self, status: int = 403, headers: Headers = (), body: bytes = b"") -> None:
        traffic["denied"] += 1
        await self._inner.deny(status, headers, body)

    async def receive(self) -> Data:
        data = await self._inner.receive()
        traffic["in"] += 1
        return data

    def send(self, data: Data, /) -> Awaitable[None] | None:
        traffic["out"] += 1
        return self._inner.send(data)  # not awaited: messages go out in the order of the calls

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._inner.close(code, reason)


def measured(scope: Scope, receive: ASGIReceive, send: ASGISend, /) -> Connection:
    return MeasuredConnection(ASGIConnection(scope, receive, send))
