from django.contrib.auth.models import User
from django.test import TestCase
from typing_extensions import override

from django_ws.testing import connect

from .messages import Joined, Said, Say
from .ws import Room


class RoomTests(TestCase):
    ada: User
    boss: User

    @classmethod
    @override
    def setUpTestData(cls) -> None:
        cls.ada = User.objects.create_user("ada")
        cls.boss = User.objects.create_user("boss", is_staff=True)

    async def test_what_is_said_comes_back(self) -> None:
        async with connect(Room, room="tea", user=self.ada) as ws:
            self.assertEqual(await ws.receive(), Joined("ada"))
            await ws.send(Say("hello"))
            self.assertEqual(await ws.receive(), Said("ada", "hello"))

    async def test_everybody_in_the_room_hears(self) -> None:
        async with connect(Room, room="tea", user=self.ada) as ada:
            self.assertEqual(await ada.receive(), Joined("ada"))
            async with (
                connect(Room, room="tea", user=self.boss) as boss,
                connect(Room, room="coffee", user=self.boss) as elsewhere,
            ):
                for ws in (ada, boss, elsewhere):
                    self.assertEqual(await ws.receive(), Joined("boss"))
                await ada.send(Say("hello"))
                self.assertEqual(await boss.receive(), Said("ada", "hello"))
                await elsewhere.receive_nothing()

    async def test_who_is_not_logged_in_is_sent_away(self) -> None:
        async with connect("/ws/rooms/tea/") as ws:
            self.assertEqual(await ws.wait_closed(), 4401)

    async def test_the_staff_room_is_for_the_staff(self) -> None:
        async with connect("/ws/rooms/staff/", user=self.ada) as ws:
            self.assertEqual(await ws.wait_closed(), 4403)
        async with connect("/ws/rooms/staff/", user=self.boss) as ws:
            self.assertEqual(await ws.receive_json(), {"type": "joined", "who": "boss"})

    async def test_other_sites_are_kept_out(self) -> None:
        with self.assertLogs("django_ws", "WARNING"):
            async with connect("/ws/rooms/tea/", user=self.ada, origin="https://evil.example") as ws:
                assert ws.denied is not None
                self.assertEqual(ws.denied.status, 403)

    async def test_what_is_no_message_ends_it(self) -> None:
        async with connect("/ws/rooms/tea/", user=self.ada) as ws:
            await ws.send_json({"type": "say", "text": ""})
            self.assertEqual(await ws.wait_closed(), 1007)

    def test_page(self) -> None:
        response = self.client.get("/rooms/tea/")
        self.assertRedirects(response, "/accounts/login/?next=/rooms/tea/")
        self.client.force_login(self.ada)
        response = self.client.get("/rooms/tea/")
        self.assertContains(response, 'new WebSocket("ws://testserver/ws/rooms/tea/")')
