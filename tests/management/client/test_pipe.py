"""management/client/pipe.py: lines in, messages out, and when it ends."""

import asyncio
import io
import os
import threading
from collections.abc import Iterator

import pytest
from django.core.management import CommandError
from typing_extensions import override
from websockets.asyncio.server import ServerConnection

from django_ws.management.client.link import Ended
from django_ws.management.client.pipe import run_pipe
from management.client.serving import echo, linked

LONG = 60.0
"""Seconds that no test waits for."""


class Lines(io.StringIO):
    """A pipe: what is in it, and after that nobody writes, or it cannot be read."""

    def __init__(self, text: str, error: Exception | None = None) -> None:
        super().__init__(text)
        self._error = error

    @override
    def __next__(self) -> str:  # type: ignore[override] # as io.StringIO has it
        try:
            return super().__next__()
        except StopIteration:
            if self._error is None:
                raise
            raise self._error from None


async def piped(
    handler: object, lines: io.TextIOBase, *, wait: float = LONG, receive: int | None = None
) -> tuple[list[str], list[str], Ended]:
    written: list[str] = []
    told: list[str] = []
    async with linked(handler) as link:  # type: ignore[arg-type] # of each its own
        ended = await run_pipe(link, lines, written.append, told.append, wait=wait, receive=receive)  # type: ignore[arg-type] # the same
    return written, told, ended


async def test_each_line_is_sent_and_each_message_written() -> None:
    lines = io.StringIO('{"a": 1}\r\n\n/hex 00ff\n//x\n/ping\nlast')
    written, told, ended = await piped(echo, lines, receive=4)
    assert written == ['{"a": 1}', "/hex 00ff", "/x", "last"]
    assert told[0].startswith("pong after")
    assert (ended.code, ended.by_us, ended.as_asked) == (1000, True, True)


async def test_it_closes_after_a_silence() -> None:
    heard = asyncio.Event()

    async def note(ws: ServerConnection) -> None:
        async for message in ws:
            await ws.send(message)
            heard.set()

    written, _, ended = await piped(note, io.StringIO("hello\n"), wait=0.5)
    assert heard.is_set()
    assert written == ["hello"]
    assert ended.as_asked


async def test_it_closes_as_the_input_says() -> None:
    _, _, ended = await piped(echo, io.StringIO("/close 4000 bye\nnever sent\n"))
    assert (ended.code, ended.reason, ended.as_asked) == (4000, "bye", True)


async def test_the_servers_end_ends_it_while_nobody_writes() -> None:
    async def closing(ws: ServerConnection) -> None:
        await ws.send(await ws.recv())
        await ws.close(1011, "oh no")

    reading, writing = os.pipe()
    with os.fdopen(reading) as lines, os.fdopen(writing, "w", buffering=1) as pipe:
        pipe.write("hello\n")
        written, _, ended = await piped(closing, lines)
        pipe.close()
    assert written == ["hello"]
    assert (ended.code, ended.as_asked) == (1011, False)


async def test_too_few_messages_are_an_error() -> None:
    with pytest.raises(CommandError, match=r"^1 of 2 messages came\. Closed with 1000 NORMAL_CLOSURE; see --wait$"):
        await piped(echo, io.StringIO("hello\n"), wait=0.5, receive=2)


async def test_of_a_bad_end_that_is_told_and_not_the_number() -> None:
    async def failing(ws: ServerConnection) -> None:
        await ws.close(1011)

    _, _, ended = await piped(failing, io.StringIO(), receive=2)
    assert (ended.code, ended.as_asked) == (1011, False)


async def test_a_line_that_cannot_be_carried_out_is_told_with_its_number() -> None:
    with pytest.raises(CommandError, match=r"^Line 2: there is no command /nothing;"):
        await piped(echo, io.StringIO("hello\n/nothing\n"))


async def test_an_input_that_cannot_be_read_is_told() -> None:
    with pytest.raises(CommandError, match=r"^The input cannot be read behind line 1: the disk is gone$"):
        await piped(echo, Lines("hello\n", OSError("the disk is gone")))


async def test_an_end_before_that_of_the_input_leaves_nothing_behind() -> None:
    lines = io.StringIO("/close\n" + "never sent\n" * 100)
    await piped(echo, lines)
    for thread in threading.enumerate():
        if thread.name == "ws_connect input":
            thread.join(LONG)
            assert not thread.is_alive()
    # Not much of it has been read.
    assert "never sent" in lines.read()


async def test_many_lines_wait_for_one_another() -> None:
    def numbers() -> Iterator[str]:
        for number in range(500):
            yield f"{number}\n"

    lines = io.StringIO("".join(numbers()))
    written, _, _ = await piped(echo, lines, receive=500)
    assert written == [str(number) for number in range(500)]
