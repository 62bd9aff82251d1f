# mypy: ignore-errors
import logging

from django_ws import WebSocketHandler

logger = logging.getLogger(__name__)


class Weather(WebSocketHandler):
    async def on_open(self):
        self.start_ping()
        self.start_task("weather", self.weather)

    async def weather(self):
        await self.sleep_loop(self.report, 60)

    async def report(self):
        self.send({"celsius": 20})

    async def on_message(self, data):
        self.send({"you said": data})

    async def on_close(self):
        logger.info("gone")
