"""Closing the sockets of a user by hand: from a view, the admin, a task of Celery, a socket."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.asyncio import async_unsafe

from django_ws.authorization.control import apublish_order, make_order, publish_order, publish_robustly
from django_ws.close_codes import check_sendable

if TYPE_CHECKING:
    from django_ws.handler.orders import Order

__all__ = ["adisconnect", "disconnect", "disconnect_on_commit"]

_LOGGED_OUT = 4401


@async_unsafe("disconnect() waits for the engine, which would hold the event loop up: use «await adisconnect(user)».")
def disconnect(user: object, /, *, code: int = _LOGGED_OUT, reason: str = "logged out") -> None:
    """Close every open socket of a user, in every process.

    A socket is a user's if it is known whose it is: a guard, a middleware or the socket's own code has asked. It is
    closed as by its own ``close()``: what was sent before goes out before, and a hook that runs has its grace. Nothing
    keeps the user from coming back; that is for the guards.

    Args:
        user: A user, or the primary key of one.
        code: The close code.
        reason: Cut to 123 bytes of UTF-8. The client reads it.

    Raises:
        ValueError: The user has no primary key, or the code may not stand in a close frame.
        BrokerError: The engine cannot be reached: the sockets of this process are closed, the others are not.
        SynchronousOnlyOperation: It was called where an event loop runs.
    """
    publish_order(_order(user, code, reason))


async def adisconnect(user: object, /, *, code: int = _LOGGED_OUT, reason: str = "logged out") -> None:
    """Close every open socket of a user, in every process, from async code; see :func:`disconnect`.

    Raises:
        ValueError: The user has no primary key, or the code may not stand in a close frame.
        BrokerError: The engine cannot be reached: the sockets of this process are closed, the others are not.
    """
    await apublish_order(_order(user, code, reason))


def disconnect_on_commit(
    user: object,
    /,
    *,
    code: int = _LOGGED_OUT,
    reason: str = "logged out",
    using: str | None = None,
    robust: bool = False,
) -> None:
    """Close them when the transaction has been committed, so that who comes back at once meets what it has changed.

    Args:
        user: See :func:`disconnect`.
        code: See :func:`disconnect`.
        reason: See :func:`disconnect`.
        using: The alias of the database.
        robust: Log what goes wrong after the commit, such as an engine that is away, instead of raising it
            (https://docs.djangoproject.com/en/stable/topics/db/transactions/#performing-actions-after-commit).

    Raises:
        ValueError: See :func:`disconnect`.
        BrokerError: See :func:`disconnect`; at the commit, or here where there is no transaction. Not if ``robust``.
    """
    order = _order(user, code, reason)
    publish = publish_robustly if robust else publish_order
    transaction.on_commit(lambda: publish(order), using=using)


def _order(user: object, code: int, reason: str) -> "Order":
    check_sendable(code)
    # A user may be of any class, and a key of any type.
    found: Any = user
    pk: object = found.pk if hasattr(found, "pk") else _key(found)
    if pk is None:
        raise ValueError(f"Only the sockets of a user that is logged in can be closed, which {user!r} is not")
    return make_order(str(pk), None, int(code), reason)


def _key(key: object) -> object:
    """Give a primary key as the user has it: of a UUID, say, there are several ways to write it."""
    if key is None:
        return None
    try:
        return cast("object", get_user_model()._meta.pk.to_python(key))  # noqa: SLF001 - documented
    except ValidationError as error:
        raise ValueError(f"{key!r} is no primary key of a user: {' '.join(error.messages)}") from error
