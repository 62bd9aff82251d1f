from collections.abc import AsyncIterator
from contextlib import aclosing

from django_ws import WebSocket

from .fake_llm import complete


async def answer(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    """One question in the URL, /ws/answer/?q=..., one answer, word by word; closed with 1000 at its end."""
    async with aclosing(complete(ws.request.GET.get("q", ""))) as words:
        async for word in words:
            yield word
