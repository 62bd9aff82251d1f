"""Generators that yield what their socket may not send."""

from collections.abc import AsyncIterator, Iterator

from django_ws import WebSocket
from django_ws.testing import connect
from django_ws.urls import path, re_path


async def wrong_type(ws: WebSocket[str, str]) -> AsyncIterator[int]:
    yield 1


async def wrong_yield(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    yield 1  # E


async def wrong_of_two(ws: WebSocket[str, str]) -> AsyncIterator[str | bytes]:
    yield "x"


async def no_socket(text: str) -> AsyncIterator[str]:
    yield text


def synchronous(ws: WebSocket[str, str]) -> Iterator[str]:
    yield "x"


async def right(ws: WebSocket[str, str]) -> AsyncIterator[str]:
    yield "x"


path("a/", wrong_type)  # E[mypy,pyright,pyrefly]
path("a/", wrong_of_two)  # E[mypy,pyright,pyrefly]
path("a/", no_socket)  # E
path("a/", synchronous)  # E
re_path("a/", wrong_type)  # E[mypy,pyright,pyrefly]


async def client() -> None:
    async with connect(right) as ws:
        await ws.send(1)  # E
