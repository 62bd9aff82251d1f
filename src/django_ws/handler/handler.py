"""The class-based socket."""

from typing import TYPE_CHECKING, Final

from django.core.exceptions import ImproperlyConfigured
from typing_extensions import TypeVar, override

from django_ws.codecs.json import JSON, JSONEncodable
from django_ws.exceptions import InvalidMessageError
from django_ws.handler.concurrent import ConcurrentSocket
from django_ws.handler.options import check_class
from django_ws.handler.runtime import RECEIVING, RUNNING
from django_ws.handler.threads import adopt_sync_hooks, runs_on_lane
from django_ws.handler.views import SocketView, make_view
from django_ws.signals import websocket_opened

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from django.http.response import HttpResponseBase

    from django_ws.handler.runtime import Phase

__all__ = ["SocketView", "WebSocketHandler"]

InT = TypeVar("InT", default=JSON)
OutT = TypeVar("OutT", default=JSONEncodable)

_HOOKS: Final = ("on_open", "on_message", "on_close")


class WebSocketHandler(ConcurrentSocket[InT, OutT]):
    """A socket as a class of hooks; one instance for each connection.

    ::

        class Echo(WebSocketHandler[str, str]):
            async def on_message(self, data: str) -> None:
                await self.send(data)

    The hooks of one connection run one at a time, messages in order of arrival, unless
    :attr:`max_concurrent_messages` is raised. A hook that is a plain ``def`` runs in a thread; see
    :class:`~django_ws.handler.SyncWebSocketHandler`, whose types say so.
    """

    @override
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        check_class(cls)
        adopt_sync_hooks(cls, _HOOKS)
        if cls.max_concurrent_messages > 1 and runs_on_lane(cls.on_message):
            raise ImproperlyConfigured(
                f"{cls.__qualname__}.max_concurrent_messages is {cls.max_concurrent_messages}, but its on_message is "
                "an ordinary function, and those of one socket share a thread. Write «async def on_message»"
            )

    @override
    async def on_connect(self) -> "HttpResponseBase | None":
        """Decide on the handshake, before it is answered.

        Returns:
            ``None`` to accept; a response to deny with, as it is.

        Raises:
            PermissionDenied: Deny with 403.
            Http404: Deny with 404.
        """
        return None

    async def on_open(self) -> None:
        """Called once, when the connection is open."""

    async def on_close(self) -> None:
        """Called exactly once if ``on_open`` was, however the connection ended.

        :attr:`close_code` and :attr:`close_reason` say why. Background tasks have ended, and nothing can be sent any
        more, unless a fault ended it: then the connection is closed with 1011 after this hook and the middleware.
        It may take ``WS_CLEANUP_TIMEOUT`` seconds.
        """

    async def run(self) -> "HttpResponseBase | None":  # noqa: PLR0912 - the common path is written out
        """Serve the connection until its end, clean-up included; the application's part to call.

        Returns:
            What the handshake is to be denied with, if so.

        Raises:
            Exception: What a guard or a hook has raised; the application denies or closes for it.
        """
        response = await self._handshake()
        connection = self._connection
        if not connection.is_open:
            return response
        self._begin()
        options = self._options
        lane = self._lane
        runtime = self._runtime
        ended: BaseException
        try:
            if websocket_opened.receivers:
                await self._announce_opened()
            await self.on_open()
            if options.max_concurrent_messages > 1:
                await self._serve_concurrently()
            while True:
                if self._inbox is None:
                    # The common path of _next(), written out: one coroutine less for each message.
                    if lane.used:
                        lane.give_back()
                    self.ws_phase: Phase = RECEIVING
                    data = await connection.receive()
                    self.ws_phase = RUNNING
                    runtime.active = True
                else:
                    data = await self._next()
                received = self.ws_received + 1
                self.ws_received: int = received
                if received > self._allowed:
                    await self._throttle()
                try:
                    message = options.decode(data) if len(data) <= options.surely_fits else self._decode(data)
                except InvalidMessageError as error:
                    await self._refuse(error, data)
                else:
                    await self.on_message(message)
        except BaseException as error:  # noqa: BLE001 - it is raised again, unless it is an end like any other
            ended = error
        # After the except clause: what asgiref runs within one knows the error, and by it this frame. That is a ring.
        try:
            if not await self._finish(ended):
                raise ended
        finally:
            del ended
        return None

    @override
    def _on_close_hook(self) -> "Coroutine[object, None, None] | None":
        return None if type(self).on_close is WebSocketHandler.on_close else self.on_close()

    @classmethod
    def as_view(cls) -> SocketView:
        """Give a Django view that stands for this class in any URLconf.

        In the websocket URLconf it is the class itself, in a form that Django's ``path`` takes under every type
        checker. Asked over plain HTTP, it answers 426 (RFC 9110 section 15.5.22).
        """
        return make_view(cls)
