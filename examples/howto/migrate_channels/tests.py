from channels.routing import URLRouter  # type: ignore[import-untyped]
from channels.testing import WebsocketCommunicator  # type: ignore[import-untyped]
from django.contrib.auth.models import Group, User
from django.test import TestCase, override_settings
from django.urls import path
from typing_extensions import override

from django_ws.testing import connect

from .after import Room, Said, Say
from .before import RoomConsumer


class SameTests(TestCase):
    user: User

    @classmethod
    @override
    def setUpTestData(cls) -> None:
        cls.user = User.objects.create_user("ada")
        cls.user.groups.add(Group.objects.create(name="red"))

    @override_settings(CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}})
    async def test_before(self) -> None:
        ws = WebsocketCommunicator(URLRouter([path("<str:room>/", RoomConsumer.as_asgi())]), "/red/")
        ws.scope["user"] = self.user
        self.assertEqual(await ws.connect(), (True, None))
        await ws.send_json_to({"text": "hello"})
        self.assertEqual(await ws.receive_json_from(), {"who": "ada", "text": "hello"})
        await ws.disconnect()

    async def test_after(self) -> None:
        async with connect(Room, room="red", user=self.user) as ws:
            await ws.send(Say("hello"))
            self.assertEqual(await ws.receive(), Said("ada", "hello"))

    async def test_who_is_no_member(self) -> None:
        async with connect(Room, room="blue", user=self.user) as ws:
            assert ws.denied is not None
            self.assertEqual(ws.denied.status, 403)
