import asyncio

from django_ws import WebSocket


async def two_feeds(ws: WebSocket[str, str]) -> None:
    """Tasks by asyncio's own TaskGroup: the first that fails ends all, and the connection with 1011."""
    async with asyncio.TaskGroup() as tasks:
        _ = tasks.create_task(count(ws, "red", 0.2))
        _ = tasks.create_task(count(ws, "blue", 0.3))


async def count(ws: WebSocket[str, str], name: str, seconds: float) -> None:
    for number in range(1, 3):
        await asyncio.sleep(seconds)
        await ws.send(f"{name} {number}")
