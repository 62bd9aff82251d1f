"""Sockets that send back numbers, awaited and not, and see themselves that these come in order."""

from typing import Any

from typing_extensions import override

from django_ws.urls import path
from resilience.site.ledger import Counted, count


class Numbered(Counted[str, str]):
    """Sends each number back; of ``await_every`` sends one is awaited, of 0 none."""

    # The values of a route are of any type.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected: int = 0

    @override
    async def on_message(self, data: str) -> None:
        number = int(data)
        count("delivery received")
        if number != self.expected:
            count("delivery out of order")
        self.expected = number + 1
        every: int = self.kwargs["await_every"]
        sending = self.send(data)
        if every and number % every == 0 and not await sending:
            count("delivery given up")

    @override
    async def on_close(self) -> None:
        count("delivery dropped", self.dropped_messages)
        await super().on_close()


urlpatterns = [path("delivery/<int:await_every>/", Numbered)]
