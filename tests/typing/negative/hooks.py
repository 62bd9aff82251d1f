"""Hooks overridden with the wrong types."""

from django.http import HttpResponse
from typing_extensions import override

from django_ws import InvalidMessageError, WebSocketHandler


class WrongMessage(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: bytes) -> None:  # E
        del data


class NoMessage(WebSocketHandler[str, str]):
    @override
    async def on_message(self) -> None:  # E
        pass


class TwoMessages(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str, more: str) -> None:  # E
        del data, more


class BareWrongMessage(WebSocketHandler):
    @override
    async def on_message(self, data: str) -> None:  # E
        del data


class BareDictMessage(WebSocketHandler):
    @override
    async def on_message(self, data: dict[str, str]) -> None:  # E
        del data


class SyncMessage(WebSocketHandler[str, str]):
    @override
    def on_message(self, data: str) -> None:  # E
        del data


class SyncOpen(WebSocketHandler[str, str]):
    @override
    def on_open(self) -> None:  # E
        pass


class OpenWithArgument(WebSocketHandler[str, str]):
    @override
    async def on_open(self, room: int) -> None:  # E
        del room


class ConnectBool(WebSocketHandler[str, str]):
    @override
    async def on_connect(self) -> bool:  # E
        return True


class SyncConnect(WebSocketHandler[str, str]):
    @override
    def on_connect(self) -> HttpResponse:  # E
        return HttpResponse()


class CloseWithCode(WebSocketHandler[str, str]):
    @override
    async def on_close(self, code: int) -> None:  # E
        del code


class NarrowError(WebSocketHandler[str, str]):
    @override
    async def on_error(self, error: ValueError) -> None:  # E
        del error


class NarrowTaskError(WebSocketHandler[str, str]):
    @override
    async def on_task_error(self, error: ValueError) -> None:  # E
        del error


class NarrowInvalid(WebSocketHandler[str, str]):
    @override
    async def on_invalid(self, error: InvalidMessageError, message: str) -> None:  # E
        del error, message


class Misspelt(WebSocketHandler[str, str]):
    @override
    async def on_mesage(self, data: str) -> None:  # E
        del data


class WrongSubprotocols(WebSocketHandler[str, str]):
    subprotocols = (1, 2)  # E


class WrongConcurrency(WebSocketHandler[str, str]):
    max_concurrent_messages = "4"  # E


class WrongOverflow(WebSocketHandler[str, str]):
    overflow = "close"  # E


class WrongLimit(WebSocketHandler[str, str]):
    max_message_size = "1 MiB"  # E


class WrongCodec(WebSocketHandler[str, str]):
    codec = "json"  # E


class WrongRun(WebSocketHandler[str, str]):
    @override
    def run(self) -> None:  # E
        pass
