"""The control channel: how an order to close reaches every process, this one by the shortest way.

This process needs no engine: its event loops are told directly. So an order reaches it where the broker is away, and a
site that is one process has no channel at all.
"""

import json
import logging
from secrets import token_hex
from typing import TYPE_CHECKING, Final, cast

from django_ws.conf import MEMORY, get_settings
from django_ws.handler.orders import Order
from django_ws.handler.runtime import runtimes
from django_ws.topics import Topic
from django_ws.topics.publishing import publish

if TYPE_CHECKING:
    from django_ws.handler.runtime import Runtime

__all__ = [
    "Control",
    "apublish_order",
    "make_order",
    "publish_order",
    "publish_robustly",
    "reaches_others",
    "read_order",
    "write_order",
]

logger: Final = logging.getLogger("django_ws")


# Text, and not JSON: how projects read and write that is theirs to say (WS_JSON_CODEC).
class Control(Topic[str]):
    """Where orders are published."""

    pattern = "django_ws.control"


def reaches_others() -> bool:
    """Say whether other processes can be reached: the broker ``"default"`` is there, and not that of one process."""
    broker = get_settings().brokers.get(Control.broker)
    return broker is not None and broker.backend != MEMORY


def make_order(user: str | None, session: str | None, code: int, reason: str) -> Order:
    """Make an order with an id of its own."""
    return Order(token_hex(8), user, session, code, reason)


def write_order(order: Order) -> str:
    """Give an order as it is published."""
    return json.dumps(order._asdict())


def read_order(text: str) -> Order:
    """Read what :func:`write_order` gave; what a later version has put in besides is left out.

    Raises:
        ValueError: It is none.
    """
    found: object = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - there is one kind of error
    fields = cast("dict[str, object]", found)
    match [fields.get(name) for name in Order._fields]:
        case [str() as id_, str() | None as user, str() | None as session, int() as code, str() as reason]:
            return Order(id_, user, session, code, reason)
        case _:
            raise ValueError("it lacks a field, or one is of another type")


def publish_order(order: Order) -> None:
    """Carry an order out here, and publish it; from any thread.

    Raises:
        BrokerError: The engine cannot be reached, so no other process has heard of it.
    """
    _obey_here(order)
    if reaches_others():
        publish([(Control(), write_order(order))])


async def apublish_order(order: Order) -> None:
    """Carry an order out here, and publish it, from async code.

    Raises:
        BrokerError: The engine cannot be reached, so no other process has heard of it.
    """
    _obey_here(order)
    if reaches_others():
        await Control().apublish(write_order(order))


def publish_robustly(order: Order) -> None:
    """Carry an order out here, and publish it; what goes wrong is logged, for a logout must not fail for it."""
    try:
        publish_order(order)
    except Exception:
        logger.exception("The sockets of other processes could not be told to close (%s)", order.reason)


def _obey_here(order: Order) -> None:
    for runtime in runtimes():
        _tell(runtime, order)


def _tell(runtime: "Runtime", order: Order) -> None:
    try:
        runtime.loop.call_soon_threadsafe(runtime.obey, order)
    except RuntimeError:
        return  # the loop has just been closed
