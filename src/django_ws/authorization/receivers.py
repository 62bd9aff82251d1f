"""``WS_DISCONNECT_ON``: what befalls a user closes the sockets, by Django's signals.

- ``"logout"``: those of that session, and no others of the user. Where the session cannot be told by its key (nobody
  knows it, or it is kept in a signed cookie), all of the user's.
- ``"password"``: all of the user's, when a new password is saved. Django keeps the session of who changes it, but gives
  it a new key; a socket that was opened by the old one could not be found by a later logout, so it is closed, too.
- ``"deactivation"``: all of the user's, when an inactive user is saved, and when a user is deleted.

Each when the transaction is committed. What a query set changes (``update()``) sends no signal.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models.signals import post_delete, post_save

from django_ws.authorization.control import make_order, publish_robustly
from django_ws.conf import get_settings
from django_ws.standing import digest_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import Model
    from django.http import HttpRequest

    from django_ws.handler.orders import Order

__all__ = ["connect_receivers"]

_CODE: Final = 4401


def connect_receivers() -> None:
    """Hear of what befalls users; no-op where the project has none, and the second time."""
    if not apps.is_installed("django.contrib.auth"):
        return
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - not every project has users
    from django.contrib.auth.signals import user_logged_out  # noqa: PLC0415 - the same

    user_logged_out.connect(_logged_out, dispatch_uid="django_ws.authorization")
    model = get_user_model()
    # Each by itself, for a signal is sent by the class that was saved: a proxy has its own. One for all models would
    # keep Django from deleting rows of any model without reading them first.
    for each in apps.get_models():
        if issubclass(each, model):
            post_save.connect(_saved, sender=each, dispatch_uid="django_ws.authorization")
            post_delete.connect(_deleted, sender=each, dispatch_uid="django_ws.authorization")


def _logged_out(*, request: "HttpRequest | None", user: "Model | None", **_: object) -> None:
    if "logout" not in get_settings().disconnect_on:
        return
    pk = None if user is None else user.pk
    session = None if request is None or _is_signed_cookie(request) else digest_of(request)
    if pk is not None or session is not None:
        _send(None if pk is None else str(pk), session, "logged out", DEFAULT_DB_ALIAS)


def _saved(
    *, instance: "Model", created: bool, using: str, update_fields: "Collection[str] | None" = None, **_: object
) -> None:
    if created:
        return
    events = get_settings().disconnect_on
    # A user class may have neither field.
    user: Any = instance

    def is_saved(name: str) -> bool:
        return (update_fields is None or name in update_fields) and name not in instance.get_deferred_fields()

    if "deactivation" in events and is_saved("is_active") and getattr(user, "is_active", True) is False:
        _send(str(instance.pk), None, "deactivated", using)
    # Django sets it for a password that was given anew, and not for a hash that was made anew.
    elif "password" in events and is_saved("password") and getattr(user, "_password", None) is not None:
        _send(str(instance.pk), None, "password changed", using)


def _deleted(*, instance: "Model", using: str, **_: object) -> None:
    if "deactivation" in get_settings().disconnect_on:
        _send(str(instance.pk), None, "deleted", using)


def _is_signed_cookie(request: "HttpRequest") -> bool:
    """Say whether the session's key is its content, which changes with it."""
    from django.contrib.sessions.backends import signed_cookies  # noqa: PLC0415 - not every project has sessions

    return isinstance(vars(request).get("session"), cast("type[object]", signed_cookies.SessionStore))


def _send(user: str | None, session: str | None, reason: str, using: str) -> None:
    order: Order = make_order(user, session, _CODE, reason)
    # Where there is no transaction, on_commit() would connect to the database to find that out.
    if connections[using].in_atomic_block:
        transaction.on_commit(partial(publish_robustly, order), using=using)
    else:
        publish_robustly(order)
