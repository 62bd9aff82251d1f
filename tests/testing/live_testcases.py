"""Test cases of Django's, with a live server and a database; run by Django's own runner in test_live.py."""

import urllib.request

from django.contrib.auth.models import User
from django.test import override_settings
from websockets.asyncio.client import connect
from websockets.sync.client import connect as connect_sync

from django_ws.testing import WebSocketLiveServerTestCase


@override_settings(ROOT_URLCONF="testing.live_site")
class LiveTests(WebSocketLiveServerTestCase):
    def count(self) -> int:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.live_server_url}/count/", timeout=20) as response:
            return int(response.read())

    def test_all_see_the_same_rows(self) -> None:
        User.objects.create(username="ada")
        assert self.count() == 1
        with connect_sync(f"{self.live_server_ws_url}/ws/users/", proxy=None, open_timeout=20) as ws:
            for number in range(10):
                ws.send(f"user {number}")
                assert ws.recv(20) == str(number + 2)
                assert self.count() == number + 2
        assert User.objects.count() == 11

    async def test_an_async_client(self) -> None:
        async with connect(f"{self.live_server_ws_url}/ws/users/", proxy=None, open_timeout=20) as ws:
            await ws.send("grace")
            assert await ws.recv() == "1"
        assert await User.objects.aget() == await User.objects.aget(username="grace")
