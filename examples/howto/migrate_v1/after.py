import logging

from typing_extensions import override

from django_ws import JSON, WebSocketHandler

logger = logging.getLogger(__name__)


class Weather(WebSocketHandler):
    @override
    async def on_open(self) -> None:
        _ = self.start_ping()
        _ = self.start_task("weather", self.sleep_loop, self.report, 60)

    async def report(self) -> None:
        await self.send({"celsius": 20})

    @override
    async def on_message(self, data: JSON) -> None:
        await self.send({"you said": data})

    @override
    async def on_close(self) -> None:
        logger.info("gone, with %s", self.close_code)
