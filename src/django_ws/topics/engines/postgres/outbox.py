"""What goes over PostgreSQL: notifications, and a table for the payloads that are too big for one.

NOTIFY is transactional: a notification is there when its transaction has been committed, in the order of the commits,
and within one transaction in the order of the calls. So nothing here compares identifiers of rows, which become visible
in another order than they are made in. A payload that is too big for a notification is a row under a random key, and
the notification, committed with it, carries the key.
"""

from base64 import b64decode, b64encode
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple, final
from uuid import uuid4

from typing_extensions import override

from django_ws.exceptions import BrokerError, PayloadTooBigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_ws.interfaces import ChannelMessage

__all__ = ["FETCH", "INLINE", "MAX_PAYLOAD", "PUBLISH", "TABLE_ID", "TEND", "Note", "read", "waking_channel", "write"]

INLINE: Final = 2000
"""Bytes up to which a payload travels in the notification itself; PostgreSQL's bound for all of one is 8000.

Measured on two cores: an event of 1500 bytes is at the last of 8 links after 1.6 ms, as a row, which each has to fetch,
after 7.3 ms. But a notification also goes to the processes that have not subscribed, so what is larger is a row.
"""
MAX_PAYLOAD: Final = 2**28
"""Bytes. A value may have four times that (1 GB), but is written as hexadecimal digits on its way."""

PUBLISH: Final = """
WITH stored AS (
    INSERT INTO django_ws_postgres_message (key, payload)
    SELECT * FROM unnest(%s::uuid[], %s::bytea[])
)
SELECT pg_notify('django_ws_' || 'django_ws_postgres_message'::regclass::oid, note.text)
FROM unnest(%s::text[]) WITH ORDINALITY AS note (text, position)
ORDER BY note.position
"""
"""Publishes what :func:`write` gives, in one round trip and as one transaction.

The channel of PostgreSQL has the table's identity in its name: two schemas in one database are two engines.
"""

TABLE_ID: Final = "SELECT to_regclass('django_ws_postgres_message')::oid"
"""The identity of the table; NULL where there is none."""

FETCH: Final = "SELECT key::text, payload FROM django_ws_postgres_message WHERE key = ANY(%s::uuid[])"

TEND: Final = """
WITH pruned AS (
    DELETE FROM django_ws_postgres_message WHERE key IN (
        SELECT key FROM django_ws_postgres_message
        WHERE xact < %s::xid8 OR xact >= pg_snapshot_xmax(pg_current_snapshot())
        LIMIT %s FOR UPDATE SKIP LOCKED
    )
    RETURNING 1
)
SELECT
    to_regclass('django_ws_postgres_message')::oid,
    pg_snapshot_xmin(pg_current_snapshot())::text,
    (SELECT count(*) FROM pruned)
"""
"""Deletes the rows of transactions before the given one, and gives the transaction before which all are over now.

Whoever hands that back after RETENTION seconds deletes only what had been committed for so long, however long the
transactions themselves took. The second condition is met by rows of another server, out of a backup.
"""


@final
class Note(NamedTuple):
    """What one notification says."""

    channel: str
    content: str

    @property
    def key(self) -> str:
        """Under which key the payload is stored; empty: it is here."""
        return self.content[1:] if self.content[:1] == "k" else ""

    @property
    def payload(self) -> bytes:
        """The payload.

        Raises:
            BrokerError: It cannot be read: it is of somebody else, or of another version.
        """
        head, _, text = self.content.partition(" ")
        try:
            if head[:1] == "a":
                return text.encode("ascii")
            if head[:1] == "b":
                return b64decode(text, validate=True)
        except ValueError:
            pass
        raise BrokerError(f"a notification cannot be read: it begins with {self.content[:20]!r}")

    @override
    def __str__(self) -> str:
        """Give it as PostgreSQL carries it."""
        return f"{self.channel} {self.content}"


_numbers: Final = count()
"""PostgreSQL drops a notification that repeats one of the same transaction; with a number none does."""


def write(messages: "Sequence[ChannelMessage]") -> tuple[list[str], list[bytes], list[str]]:
    """Give the parameters of :data:`PUBLISH`: keys and payloads of the rows, and all notifications.

    Raises:
        PayloadTooBigError: One has more than :data:`MAX_PAYLOAD` bytes.
    """
    keys: list[str] = []
    payloads: list[bytes] = []
    notes: list[str] = []
    for channel, payload in messages:
        if len(payload) > MAX_PAYLOAD:
            raise PayloadTooBigError(
                f"a payload for {channel!r} has {len(payload)} bytes, more than the {MAX_PAYLOAD} that are taken"
            )
        if len(payload) > INLINE:
            keys.append(str(uuid4()))
            payloads.append(payload)
            content = f"k{keys[-1]}"
        elif payload.isascii() and b"\0" not in payload:
            content = f"a{next(_numbers):x} {payload.decode('ascii')}"
        else:
            # A database may have any encoding, so that nothing else is sure to come through.
            content = f"b{next(_numbers):x} {b64encode(payload).decode('ascii')}"
        notes.append(str(Note(channel, content)))
    return keys, payloads, notes


def read(text: str) -> Note:
    """Read a notification."""
    channel, _, content = text.partition(" ")
    return Note(channel, content)


def waking_channel(table: int) -> str:
    """Give PostgreSQL's channel of what is published through this table."""
    return f"django_ws_{table}"
