from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator  # type: ignore[import-untyped]
from django.contrib.auth.models import Group, User
from django.test import Client, RequestFactory, TestCase, override_settings
from typing_extensions import override

from django_ws.testing import connect

from . import after, before
from .after import Said

HEADERS = {"origin": "http://testserver", "host": "testserver"}


@override_settings(
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    ROOT_WS_URLCONF="howto.migrate_channels.after",
)
class SameTests(TestCase):
    user: User

    @classmethod
    @override
    def setUpTestData(cls) -> None:
        cls.user = User.objects.create_user("ada")
        cls.user.groups.add(Group.objects.create(name="red"))

    def cookie(self) -> str:
        client = Client()
        client.force_login(self.user)
        return client.cookies["sessionid"].value

    async def test_before(self) -> None:
        cookie = await sync_to_async(self.cookie)()
        headers = {**HEADERS, "cookie": f"sessionid={cookie}"}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        ws = WebsocketCommunicator(before.application, "/rooms/red/", headers=encoded)
        self.assertEqual(await ws.connect(), (True, None))
        await ws.send_json_to({"text": "hello"})
        self.assertEqual(await ws.receive_json_from(), {"who": "ada", "text": "hello"})
        await sync_to_async(before.announce)(RequestFactory().get("/"), "red")
        self.assertEqual(await ws.receive_json_from(), {"who": "the house", "text": "closing time"})
        await ws.disconnect()

    async def test_after(self) -> None:
        async with connect(
            "/rooms/red/", application=after.application, user=self.user, origin=HEADERS["origin"]
        ) as ws:
            await ws.send({"text": "hello"})
            self.assertEqual(await ws.receive_json(), {"who": "ada", "text": "hello"})
            await sync_to_async(self.announce)()
            self.assertEqual(await ws.receive_json(), {"who": "the house", "text": "closing time"})

    def announce(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):  # a TestCase never commits
            after.announce(RequestFactory().get("/"), "red")

    async def test_after_with_types(self) -> None:
        async with connect(after.Room, room="red", user=self.user) as ws:
            await ws.send(after.Say("hello"))
            self.assertEqual(await ws.receive(), Said("ada", "hello"))

    async def test_who_may_not(self) -> None:
        for user, status in ((None, 401), (self.user, 403)):
            async with connect("/rooms/blue/", application=after.application, user=user) as ws:
                assert ws.denied is not None
                self.assertEqual(ws.denied.status, status)

    async def test_another_site(self) -> None:
        origin = "https://evil.example"
        ws = WebsocketCommunicator(before.application, "/rooms/red/", headers=[(b"origin", origin.encode())])
        self.assertFalse((await ws.connect())[0])
        async with connect("/rooms/red/", application=after.application, user=self.user, origin=origin) as other:
            assert other.denied is not None
            self.assertEqual(other.denied.status, 403)
