"""``"django_ws"`` in ``INSTALLED_APPS``: the system checks, ``manage.py ws_urls`` and the template tag.

Sockets are served without it.
"""

from django.apps import AppConfig
from typing_extensions import override

__all__ = ["DjangoWSConfig"]


class DjangoWSConfig(AppConfig):
    """The app; it has no models."""

    name = "django_ws"
    label = "django_ws"

    @override
    def ready(self) -> None:
        """Register the checks, which a project without the app does not pay for."""
        from django_ws.checks import register_checks  # noqa: PLC0415 - it imports every layer

        register_checks()
