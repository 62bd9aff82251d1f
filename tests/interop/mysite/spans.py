"""A socket with spans of its own, and what tells a span how a handshake was refused."""

from typing import Any

from opentelemetry import trace
from typing_extensions import override

from django_ws import WebSocketHandler


class Spans(WebSocketHandler[str, str]):
    number: int

    @override
    async def on_message(self, data: str, /) -> None:
        with trace.get_tracer_provider().get_tracer(__name__).start_as_current_span("work"):
            await self.send(data)


# Django: what a signal sends is of any type.
def note_status(sender: object, status: int, **_: Any) -> None:
    span = trace.get_current_span()
    span.set_attribute("http.response.status_code", status)
