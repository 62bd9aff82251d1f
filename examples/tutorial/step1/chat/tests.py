from django.test import TestCase

from django_ws.testing import connect


class EchoTests(TestCase):
    async def test_echo(self) -> None:
        async with connect("/ws/echo/") as ws:
            await ws.send("hello")
            self.assertEqual(await ws.receive(), "You said: hello")
