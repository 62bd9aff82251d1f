"""Speaks lifespan to an ASGI application that is not the outermost one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from django_ws.interfaces import ASGIApplication


@asynccontextmanager
async def running(application: ASGIApplication) -> AsyncIterator[dict[str, Any]]:
    """Start an ASGI application, and shut it down at the end; gives its lifespan state."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    state: dict[str, Any] = {}

    async def tell(event: str) -> None:
        incoming.put_nowait({"type": f"lifespan.{event}"})
        answer = asyncio.create_task(outgoing.get())
        await asyncio.wait([answer, task], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done() or answer.result()["type"] != f"lifespan.{event}.complete":
            answer.cancel()
            await task  # raises what it failed with
            raise RuntimeError(f"{application} has not completed its {event}")

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    task = asyncio.ensure_future(application(scope, incoming.get, outgoing.put))
    await tell("startup")
    try:
        yield state
    finally:
        await tell("shutdown")
        await task


def both(main: ASGIApplication, sockets: ASGIApplication) -> ASGIApplication:
    """Give lifespan to ``main``, and end the sockets before it shuts down."""

    # ASGI: scopes and events are open dicts.
    async def lifespan(scope: Any, receive: Any, send: Any) -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(running(sockets))

            # See above.
            async def draining_receive() -> Any:
                event = await receive()
                if event["type"] == "lifespan.shutdown":
                    await stack.aclose()
                return event

            await main(scope, draining_receive, send)

    return lifespan
