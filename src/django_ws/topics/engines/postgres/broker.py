"""The engine over PostgreSQL, as ``WS_BROKERS`` names it."""

from typing import TYPE_CHECKING, Final, final

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.options import no_options, take_option
from django_ws.topics.engines.postgres.connection import check_alias, check_dsn, describe, own_parameters
from django_ws.topics.engines.postgres.link import PostgresLink
from django_ws.topics.engines.postgres.outbox import MAX_PAYLOAD, PUBLISH, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django_ws.interfaces import ChannelMessage

__all__ = ["PostgresBroker"]

_RETENTION: Final = 60
_TIMEOUT: Final = 10


@final
class PostgresBroker:
    """Carries events over a PostgreSQL database.

    ``publish()`` goes over Django's own connection, so within ``atomic()`` it is part of the transaction: it is heard
    of when that is committed, in the order of the commits, and never if it is rolled back. A Django ``TestCase`` is one
    transaction that is never committed, so nothing is heard of there: use ``capture_publishes()``, or a
    ``TransactionTestCase``. ``apublish()`` is no part of a transaction where this event loop hears of topics; where it
    does not, it uses the connection that the async ORM would.

    An event loop that hears of topics has one connection for that, and another one from the first ``apublish()`` on.

    Args:
        location: An alias of ``DATABASES``; empty: ``"default"``.
        options: ``"DSN"``: where to hear of events, as libpq takes it, if the alias leads to a pooler that gives each
            transaction another connection (PgBouncer); it must be the same database with the same search path.
            ``"RETENTION"``: seconds for which an event above 2000 bytes can be fetched by a process that is behind, 60;
            after that the process tells of a gap. ``"TIMEOUT"``: seconds within which the server must answer, 10.
            ``"CONNECT_TIMEOUT"``: seconds to connect within, else what the alias or the DSN says, or 10.

    Raises:
        ImproperlyConfigured: The alias is no PostgreSQL database, or an option is wrong.
    """

    max_payload: int | None = MAX_PAYLOAD
    """Bytes that one payload may have."""

    def __init__(self, location: str, options: "Mapping[str, object]") -> None:
        left = dict(options)
        self._alias: str = location or DEFAULT_DB_ALIAS
        self._dsn: str = take_option(left, "DSN", str, "")
        self._retention: int = _seconds(left, "RETENTION", _RETENTION)
        self._timeout: int = _seconds(left, "TIMEOUT", _TIMEOUT)
        self._connect_timeout: int = _seconds(left, "CONNECT_TIMEOUT", 0)
        no_options(left)
        check_alias(self._alias)
        check_dsn(self._dsn)

    def publish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish over Django's connection of this thread.

        Raises:
            PayloadTooBigError: One is more than :attr:`max_payload`.
            BrokerError: The database cannot be reached; a transaction that this was part of is to be rolled back.
        """
        parameters = write(messages)
        connection = connections[self._alias]
        try:
            # Else a transaction that goes on after the error would seem to be committed.
            with transaction.mark_for_rollback_on_error(self._alias), connection.cursor() as cursor:
                cursor.execute(PUBLISH, parameters)
        except Error as error:
            if connection.autocommit:
                # Outside of a request nobody else would throw a dead connection away.
                connection.close_if_unusable_or_obsolete()
            raise BrokerError(f"database {self._alias!r}: {describe(error)}") from error

    async def apublish(self, messages: "Sequence[ChannelMessage]", /) -> None:
        """Publish as the async ORM would, over the connection and in the thread that it uses.

        Raises:
            PayloadTooBigError: One is more than :attr:`max_payload`.
            BrokerError: The database cannot be reached.
        """
        await sync_to_async(self.publish)(messages)

    async def connect(self) -> PostgresLink:
        """Connect the running event loop.

        Raises:
            BrokerError: The database cannot be reached, or has no table of the engine.
        """
        role: object = connections.settings[self._alias]["OPTIONS"].get("assume_role")
        link = PostgresLink(
            own_parameters(self._alias, self._dsn, self._connect_timeout),
            own_parameters(self._alias, "", self._connect_timeout),
            role=str(role or ""),
            retention=self._retention,
            timeout=self._timeout,
        )
        await link.open()
        return link

    def close(self) -> None:
        """Do nothing: it has opened nothing that is not Django's."""


def _seconds(options: dict[str, object], name: str, default: int) -> int:
    is_given = name in options
    value = take_option(options, name, int, default)
    if is_given and value < 1:
        raise ImproperlyConfigured(f"OPTIONS[{name!r}] is {value}, but must be over 0")
    return value
