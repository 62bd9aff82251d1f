"""The engine over PostgreSQL, for a site that has it anyway: no other server, and publishing is part of a transaction.

An extra: ``pip install "django-ws[postgres]"``. It is named twice in the settings, as the app that makes the table of
its larger messages, and as the engine::

    INSTALLED_APPS = [..., "django_ws.topics.engines.postgres"]
    WS_BROKERS = {"default": {"BACKEND": "django_ws.topics.engines.postgres.PostgresBroker", "LOCATION": "default"}}

and once ``manage.py migrate`` has been run. ``LOCATION`` is an alias of ``DATABASES``. Options and limits are told by
:class:`~django_ws.topics.engines.postgres.broker.PostgresBroker`.
"""

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django_ws.topics.engines.postgres.broker import PostgresBroker

__all__ = ["PostgresBroker"]


def __getattr__(name: str) -> object:
    """Import the engine when it is asked for: as an app alone, this package needs no driver.

    Raises:
        ImproperlyConfigured: The driver is not installed.
    """
    if name != "PostgresBroker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from django_ws.topics.engines.postgres.broker import PostgresBroker  # noqa: PLC0415 - told above
    except ImportError as error:
        raise ImproperlyConfigured(
            f"PostgresBroker needs psycopg 3, which cannot be imported ({error}): pip install 'django-ws[postgres]', "
            "and 'psycopg[binary]' where there is no libpq"
        ) from error
    return PostgresBroker
