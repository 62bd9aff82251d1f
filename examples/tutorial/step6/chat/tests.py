from django.contrib.auth.models import User
from django.test import TestCase
from typing_extensions import override

from django_ws.testing import capture_publishes, connect, freeze_clock

from .messages import IsTyping, Joined, Said, Say, Typing
from .topics import RoomTopic
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


class TypingTests(TestCase):
    async def test_only_the_others_are_told(self) -> None:
        ada = await User.objects.acreate(username="ada")
        bob = await User.objects.acreate(username="bob")
        async with connect(Room, room="tea", user=ada) as one:
            self.assertEqual(await one.receive(), Joined("ada"))
            async with connect(Room, room="tea", user=bob) as other:
                self.assertEqual(await one.receive(), Joined("bob"))
                self.assertEqual(await other.receive(), Joined("bob"))
                await one.send(Typing())
                self.assertEqual(await other.receive(), IsTyping("ada"))
                await one.receive_nothing()


class TimeTests(TestCase):
    async def test_an_idle_page_is_closed(self) -> None:
        ada = await User.objects.acreate(username="ada")
        with freeze_clock() as clock:
            async with connect(Room, room="tea", user=ada) as ws:
                await clock.advance(3500)
                self.assertTrue(ws.is_open)
                await clock.advance(1000)
                self.assertEqual(await ws.wait_closed(), 3008)


class AnnounceTests(TestCase):
    def test_the_view_publishes_at_commit(self) -> None:
        self.client.force_login(User.objects.create_user("boss", is_staff=True))
        with capture_publishes() as published, self.captureOnCommitCallbacks(execute=True):
            response = self.client.post("/rooms/tea/announce/", {"text": "closing time"})
        self.assertEqual(response.status_code, 204)
        self.assertEqual(published, [(RoomTopic(room="tea"), Said("the staff", "closing time"))])

    def test_only_for_the_staff(self) -> None:
        self.client.force_login(User.objects.create_user("ada"))
        with capture_publishes() as published:
            self.client.post("/rooms/tea/announce/", {"text": "closing time"})
        self.assertEqual(published, [])
