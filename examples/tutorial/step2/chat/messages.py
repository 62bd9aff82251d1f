"""What the page and the server say to each other."""

from typing import Annotated, TypeAlias

import msgspec

# --- from the page ---


class Say(msgspec.Struct, tag="say", frozen=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Typing(msgspec.Struct, tag="typing", frozen=True):
    pass


ClientMessage: TypeAlias = Say | Typing

# --- from the server ---


class Joined(msgspec.Struct, tag="joined", frozen=True):
    who: str


class Said(msgspec.Struct, tag="said", frozen=True):
    who: str
    text: str


class IsTyping(msgspec.Struct, tag="is-typing", frozen=True):
    who: str


ServerMessage: TypeAlias = Joined | Said | IsTyping
