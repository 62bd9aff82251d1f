from django.test import SimpleTestCase

from django_ws.testing import connect, freeze_clock

from .after import Weather
from .before import Weather as OldWeather


class SameTests(SimpleTestCase):
    async def test_both(self) -> None:
        for weather in (OldWeather, Weather):
            with self.subTest(weather.__module__), self.assertLogs(weather.__module__) as said, freeze_clock() as clock:
                async with connect(weather) as ws:
                    await ws.send({"a": 1})
                    self.assertEqual(await ws.receive(), {"you said": {"a": 1}})
                    await clock.advance(61)
                    messages = [await ws.receive_json() for _ in range(2)]
                    self.assertIn({"celsius": 20}, messages)
                    self.assertTrue(any("ping" in message for message in messages))
            self.assertEqual(len(said.records), 1)
