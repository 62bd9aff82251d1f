"""What the tests ask a deployed project."""

from django_ws import WebSocket


async def who(ws: WebSocket[str, str]) -> None:
    """Tell the address and the scheme as Django sees them, and stay."""
    await ws.send(f"{ws.request.META['REMOTE_ADDR']} {ws.request.scheme}")
    async for _ in ws:
        pass
