"""The system checks of the origins that are let in."""

from typing import TYPE_CHECKING, cast

from django.conf import settings as django_settings
from django.core.checks import CheckMessage

from django_ws.checks.messages import error_message, warning_message
from django_ws.management.origins import has_more, why_never

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_origins"]


def check_origins(**_: object) -> list[CheckMessage]:
    """Check the origins that are let in: E007, W002, W003."""
    setting, origins = "WS_ALLOWED_ORIGINS", cast("object", getattr(django_settings, "WS_ALLOWED_ORIGINS", None))
    if origins is None:
        setting, origins = "CSRF_TRUSTED_ORIGINS", django_settings.CSRF_TRUSTED_ORIGINS
    if not isinstance(origins, (list, tuple)):
        return []  # E001
    found: list[CheckMessage] = []
    for origin in cast("Sequence[object]", origins):
        if not isinstance(origin, str):
            continue  # E001
        where = f"{setting} holds {origin!r}"
        if origin == "*":
            found.append(warning_message("W003", f"{where}, which lets in every site with your users' cookies"))
            continue
        if setting == "CSRF_TRUSTED_ORIGINS" and "://" not in origin:
            continue  # Django's own check 4_0.E001
        never = why_never(origin)
        if never:
            found.append(error_message("E007", f"{where}, which matches no site: {never}"))
        elif has_more(origin):
            found.append(warning_message("W002", f"{where}, which has more than an origin's scheme, host and port"))
    return found
