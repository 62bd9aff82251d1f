"""nats-py's client as the link wants it: one way in for all messages, and secrets that wait for TLS."""

import asyncio
from typing import TYPE_CHECKING, Final, cast, final

from django.core.exceptions import ImproperlyConfigured
from typing_extensions import override

try:
    from nats.aio.client import Client, RawCredentials
    from nats.aio.msg import Msg
    from nats.errors import Error
except ImportError as _missing:
    raise ImproperlyConfigured(
        "django_ws.topics.engines.nats needs nats-py, which is not installed: pip install 'django-ws[nats]'"
    ) from _missing

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

__all__ = ["FAILURES", "Inbox", "NatsClient", "credentials_of", "reason_of"]

FAILURES: Final[tuple[type[Exception], ...]] = (OSError, Error)
"""What the library raises for a connection that cannot be made, or broke."""


@final
class Inbox(asyncio.Future[Msg]):
    """Takes the messages of all subscriptions at once, where the library would set the result of a future.

    A callback would cost a task and a queue for each subscription, and lose the order between two of them.
    """

    def __init__(self, put: "Callable[[Msg], None]") -> None:
        super().__init__()
        self._put: Callable[[Msg], None] = put

    @override
    def set_result(self, result: Msg, /) -> None:
        """Take one message."""
        self._put(result)


@final
class NatsClient(Client):
    """The library's client, which keeps secrets until there is TLS, and tells whether there is."""

    def __init__(self) -> None:
        super().__init__()
        self.is_secure: bool = False
        self.secrets: Mapping[str, str] = {}

    @property
    @override
    def ssl_context(self) -> "ssl.SSLContext":
        # It is asked for at the start of TLS, which the library leaves to the server to decide, even for tls://.
        self.is_secure = True
        self.options.update(self.secrets)
        return super().ssl_context

    def when_deaf(self, tell: "Callable[[], None]", /) -> None:
        """Call ``tell`` if nothing is read any more although the connection stands.

        The library ends its reading, and only logs it, where something comes that it has not foreseen; its ``flush()``
        then returns at once, as if there had been an answer.
        """

        def look(_: "asyncio.Task[object]") -> None:
            if self.is_connected:
                tell()

        # The library does not say what the task is of.
        reading = cast("asyncio.Task[object] | None", self._reading_task)  # pyright: ignore[reportUnknownMemberType]
        if reading is not None:
            reading.add_done_callback(look)


def credentials_of(text: str) -> RawCredentials | None:
    """Give the text of a ``.creds`` file as the library takes it."""
    return RawCredentials(text) if text else None


def reason_of(error: Exception) -> str:
    """Say what an error of the library or of the system says, without ornament."""
    text = str(error).removeprefix("nats: ").strip("'")
    return text or type(error).__name__
