"""The table of messages that are too big for a notification."""

from typing import TYPE_CHECKING, ClassVar

from django.db import migrations
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.operations.base import Operation
    from django.db.migrations.state import ProjectState

__all__ = ["Migration", "OnPostgres"]


class OnPostgres(migrations.RunSQL):
    """SQL for PostgreSQL; other databases have no use for it."""

    @override
    def database_forwards(
        self,
        app_label: str,
        schema_editor: "BaseDatabaseSchemaEditor",
        from_state: "ProjectState",
        to_state: "ProjectState",
    ) -> None:
        """Run it, or do nothing."""
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    @override
    def database_backwards(
        self,
        app_label: str,
        schema_editor: "BaseDatabaseSchemaEditor",
        from_state: "ProjectState",
        to_state: "ProjectState",
    ) -> None:
        """Take it back, or do nothing."""
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    """Make the table.

    It is UNLOGGED: a crash of the server empties it, and ends every connection that could have waited for a row. So
    nothing is promised that a log would keep, and to publish outside of a transaction does not wait for the disk.

    ``xact`` tells when a row was committed, which no clock in the row could: see TEND in the module ``outbox``.
    Payloads are not compressed: a row lives for a minute.
    """

    initial: ClassVar[bool | None] = True
    dependencies: ClassVar["Sequence[tuple[str, str]]"] = []
    operations: ClassVar["Sequence[Operation]"] = [
        OnPostgres(
            [
                """
                CREATE UNLOGGED TABLE django_ws_postgres_message (
                    key uuid PRIMARY KEY,
                    xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
                    payload bytea NOT NULL
                )
                """,
                "ALTER TABLE django_ws_postgres_message ALTER COLUMN payload SET STORAGE EXTERNAL",
            ],
            reverse_sql="DROP TABLE django_ws_postgres_message",
        )
    ]
