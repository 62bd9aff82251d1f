from collections.abc import Iterator
from typing import Any, TypeAlias

from django.dispatch import receiver
from django.http import HttpRequest
from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from django_ws import CloseCode, WebSocket
from django_ws.logs import fields
from django_ws.refusals import refusals
from django_ws.signals import broker_lost, broker_restored, websocket_closed, websocket_denied, websocket_opened

Socket: TypeAlias = WebSocket[Any, Any]
CODES = {*CloseCode, 4401, 4403}  # those of the standard, and your own


def hits(_: CallbackOptions) -> Iterator[Observation]:
    for limit, number in refusals().items():
        yield Observation(number, {"limit": limit.value})


meter = get_meter("mysite.websockets")
active = meter.create_up_down_counter("websocket.server.active_connections", "{connection}")
closed = meter.create_counter("websocket.server.closed_connections", "{connection}")
denied = meter.create_counter("websocket.server.denied_handshakes", "{handshake}")
dropped = meter.create_counter("websocket.server.dropped_messages", "{message}")
lost = meter.create_up_down_counter("websocket.server.lost_brokers", "{broker}")
meter.create_observable_counter("websocket.server.limit_hits", [hits], "{hit}")
durations = meter.create_histogram(
    "websocket.server.connection.duration",
    "s",
    explicit_bucket_boundaries_advisory=[1, 10, 60, 600, 3_600, 21_600, 86_400],
)


def route_of(request: HttpRequest | None) -> dict[str, str]:
    """As it stands in the URLconf; the path would be a series for each room."""
    return {"http.route": str(fields(request, None)["route"] or "")}


@receiver(websocket_opened)
async def count_opened(websocket: Socket, **_: object) -> None:
    active.add(1, route_of(websocket.request))


@receiver(websocket_closed)
async def count_closed(websocket: Socket, code: int, duration: float, **_: object) -> None:
    route = route_of(websocket.request)
    active.add(-1, route)
    # A client may close with any of 2,000 codes.
    name = str(int(code)) if code in CODES else "other"
    closed.add(1, {**route, "websocket.close.code": name})
    durations.record(duration, route)
    if websocket.dropped_messages:
        dropped.add(websocket.dropped_messages, route)


@receiver(websocket_denied)
async def count_denied(request: HttpRequest | None, status: int, **_: object) -> None:
    denied.add(1, {**route_of(request), "http.response.status_code": status})


@receiver(broker_lost)
async def count_lost(alias: str, **_: object) -> None:
    lost.add(1, {"broker": alias})


@receiver(broker_restored)
async def count_restored(alias: str, **_: object) -> None:
    lost.add(-1, {"broker": alias})
