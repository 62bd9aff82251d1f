from django_ws import WebSocket


async def echo(ws: WebSocket[str, str]) -> None:
    async for text in ws:
        await ws.send(f"You said: {text}")
