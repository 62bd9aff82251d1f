import asyncio
from typing import ClassVar

from django.test import SimpleTestCase
from typing_extensions import override

from django_ws.testing import connect, freeze_clock

from .ws import Weather


class FakeWeather(Weather):
    """The socket, with a service that answers what the test says, and as late."""

    celsius: ClassVar[list[float]] = []
    seconds: ClassVar[float] = 0

    @override
    async def service(self, city: str) -> float:
        await asyncio.sleep(self.seconds)
        return self.celsius.pop(0)


class WeatherTests(SimpleTestCase):
    @override
    def setUp(self) -> None:
        FakeWeather.celsius = [20.0, 20.5, 21.0]
        FakeWeather.seconds = 0

    async def test_an_answer(self) -> None:
        async with connect(FakeWeather) as ws:
            await ws.send("Rome")
            self.assertEqual(await ws.receive(), "20.0 °C in Rome")
            await ws.receive_nothing()

    async def test_it_goes_on(self) -> None:
        with freeze_clock() as clock:
            async with connect(FakeWeather) as ws:
                await ws.send("Rome")
                await clock.advance(120)
                self.assertEqual([await ws.receive() for _ in range(3)][1:], ["20.5 °C in Rome", "21.0 °C in Rome"])

    async def test_a_slow_service(self) -> None:
        FakeWeather.seconds = 60
        with freeze_clock() as clock:
            async with connect(FakeWeather) as ws:
                await ws.send("Rome")
                await clock.advance(5)
                self.assertEqual(await ws.receive(), "Nobody knows.")

    async def test_a_fault_is_raised_here(self) -> None:
        FakeWeather.celsius = []
        with self.assertLogs("django_ws", "ERROR"), self.assertRaises(IndexError):
            async with connect(FakeWeather) as ws:
                await ws.send("Rome")
                await ws.receive()

    async def test_what_the_client_sees_of_a_fault(self) -> None:
        FakeWeather.celsius = []
        with self.assertLogs("django_ws", "ERROR"):
            async with connect(FakeWeather, raise_faults=False) as ws:
                await ws.send("Rome")
                self.assertEqual(await ws.wait_closed(), 1011)
