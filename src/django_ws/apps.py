"""``"django_ws"`` in ``INSTALLED_APPS``: checks, commands, the template tag, and ``WS_DISCONNECT_ON``.

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
        """Register the checks, and hear of logouts and the like; a project without the app pays for neither."""
        from django_ws.authorization.receivers import connect_receivers  # noqa: PLC0415 - it imports the sockets
        from django_ws.checks import register_checks  # noqa: PLC0415 - it imports every layer

        register_checks()
        connect_receivers()
