"""``"django_ws.topics.engines.postgres"`` in ``INSTALLED_APPS``: the table of the engine over PostgreSQL."""

from django.apps import AppConfig

__all__ = ["PostgresTopicsConfig"]


class PostgresTopicsConfig(AppConfig):
    """The app; it has a migration and no models.

    On other databases the migration does nothing. Of several PostgreSQL databases each gets the table, which stays
    empty where no engine uses it; a router's ``allow_migrate(db, "django_ws_postgres")`` says where it is wanted.
    """

    name = "django_ws.topics.engines.postgres"
    label = "django_ws_postgres"
