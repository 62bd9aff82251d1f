"""A room: typed events, the topic that carries them to every process, and the socket of whoever is in it."""

import os
from contextlib import suppress
from typing import Annotated, TypeAlias

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.models import User as AuthUser
from django.utils.text import slugify
from msgspec import Meta, Struct
from typing_extensions import override

from django_ws import BrokerError, CloseCode, Topic, WebSocketHandler
from django_ws.exceptions import InvalidMessageError

LONGEST = 200  # characters of what is said
AWAY = "the engine is away"


class Said(Struct, tag="said", frozen=True):
    who: str
    text: str
    worker: int  # the process that published it
    by: str = "socket"  # or "view"


class Joined(Struct, tag="joined", frozen=True):
    who: str
    worker: int


class Left(Struct, tag="left", frozen=True):
    who: str
    worker: int


class Room(Topic[Said | Joined | Left]):
    pattern = "room.{name}"
    name: str


class Say(Struct, tag="say"):
    text: Annotated[str, Meta(pattern=r"\S", max_length=LONGEST)]


class Welcome(Struct, tag="welcome"):
    who: str
    worker: int


class Unsaid(Struct, tag="unsaid"):
    why: str


Outgoing: TypeAlias = Said | Joined | Left | Welcome | Unsaid


class Chat(WebSocketHandler[Say, Outgoing]):
    who = ""  # empty until the room knows

    @override
    async def on_open(self) -> None:
        self.room = Room(name=self.kwargs["room"])
        who = name_of(await self.request.auser(), self.request.GET.get("guest", ""))
        try:
            await self.subscribe(self.room)  # nothing that is said from now on is missed
            await self.send(Welcome(who, os.getpid()))
            await self.room.apublish(Joined(who, os.getpid()))
        except BrokerError:
            await self.close(CloseCode.TRY_AGAIN_LATER, AWAY)
        else:
            self.who = who

    @override
    async def on_message(self, data: Say) -> None:
        try:
            await self.room.apublish(Said(self.who, data.text, os.getpid()))
        except BrokerError:
            await self.send(Unsaid(AWAY))

    @override
    async def on_invalid(self, error: InvalidMessageError, message: str | bytes) -> None:
        await self.send(Unsaid(str(error)))  # which holds no part of the message

    @override
    async def on_close(self) -> None:
        if self.who:
            with suppress(BrokerError):
                await self.room.apublish(Left(self.who, os.getpid()))


def name_of(user: AuthUser | AnonymousUser, guest: str) -> str:
    # No user's name has a space in it, so no guest can pass for a user.
    return user.get_username() or f"guest {slugify(guest)[:20] or 'unknown'}"
