from django.test import TestCase

from django_ws.testing import connect

from .messages import IsTyping, Joined, Said, Say, Typing
from .ws import Room


class RoomTests(TestCase):
    async def test_what_is_said_comes_back(self) -> None:
        async with connect(Room, room="tea") as ws:
            self.assertEqual(await ws.receive(), Joined("guest"))
            await ws.send(Typing())
            self.assertEqual(await ws.receive(), IsTyping("guest"))
            await ws.send(Say("hello"))
            self.assertEqual(await ws.receive(), Said("guest", "hello"))

    async def test_as_it_is_on_the_wire(self) -> None:
        async with connect("/ws/rooms/tea/") as ws:
            await ws.receive()
            await ws.send_json({"type": "say", "text": "hello"})
            self.assertEqual(await ws.receive_json(), {"type": "said", "who": "guest", "text": "hello"})

    async def test_what_is_no_message_ends_it(self) -> None:
        async with connect("/ws/rooms/tea/") as ws:
            await ws.send_json({"type": "say", "text": ""})
            self.assertEqual(await ws.wait_closed(), 1007)

    def test_page(self) -> None:
        response = self.client.get("/rooms/tea/")
        self.assertContains(response, 'new WebSocket("ws://testserver/ws/rooms/tea/")')
