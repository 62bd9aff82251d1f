from django.contrib.auth.models import User
from django.core.signing import dumps
from django.test import TestCase, override_settings
from typing_extensions import override

from django_ws.middleware import socket_token
from django_ws.testing import connect

from . import settings_api, settings_django, settings_session, settings_token
from .ws import Me


class Base(TestCase):
    user: User

    @classmethod
    @override
    def setUpTestData(cls) -> None:
        cls.user = User.objects.create_user("ada")


class SessionTests(Base):
    async def test_who_is_logged_in(self) -> None:
        for settings in (settings_django, settings_session, settings_token):
            with self.subTest(settings.__name__), override_settings(WS_MIDDLEWARE=settings.WS_MIDDLEWARE):
                async with connect(Me, user=self.user) as ws:
                    self.assertEqual(await ws.receive(), "You are ada.")

    async def test_nobody(self) -> None:
        for settings in (settings_django, settings_session, settings_token):
            with self.subTest(settings.__name__), override_settings(WS_MIDDLEWARE=settings.WS_MIDDLEWARE):
                async with connect(Me) as ws:
                    assert ws.denied is not None
                    self.assertEqual(ws.denied.status, 401)


@override_settings(WS_MIDDLEWARE=settings_token.WS_MIDDLEWARE)
class TokenTests(Base):
    async def test_a_token(self) -> None:
        async with connect(Me, subprotocols=["chat.v1", f"bearer.{socket_token(self.user)}"]) as ws:
            self.assertEqual(ws.accepted_subprotocol, "chat.v1")
            self.assertEqual(await ws.receive(), "You are ada.")

    async def test_no_token_of_ours(self) -> None:
        async with connect(Me, subprotocols=["chat.v1", "bearer.guessed"]) as ws:
            assert ws.denied is not None
            self.assertEqual(ws.denied.status, 401)

    def test_the_view(self) -> None:
        self.assertEqual(self.client.get("/ticket/").status_code, 302)
        self.client.force_login(self.user)
        response = self.client.get("/ticket/")
        self.assertIn("no-store", response.headers["Cache-Control"])
        self.assertTrue(response.json()["token"])


class ApiKeyTests(Base):
    @override_settings(WS_MIDDLEWARE=settings_api.WS_MIDDLEWARE)
    async def test_a_key_in_a_header(self) -> None:
        key = dumps(self.user.pk, salt="api-key")
        for headers, status in (
            ({"Authorization": f"Bearer {key}"}, None),
            ({"Authorization": f"Basic {key}"}, 401),
            ({"Authorization": "Bearer guessed"}, 401),
            ({}, 401),
        ):
            async with connect(Me, headers=headers) as ws:
                self.assertEqual(ws.denied and ws.denied.status, status)
                if status is None:
                    self.assertEqual(await ws.receive(), "You are ada.")

    @override_settings(WS_MIDDLEWARE=["howto.authenticate.middleware.ApiKeyMiddleware"])
    async def test_a_key_as_a_subprotocol(self) -> None:
        key = dumps(self.user.pk, salt="api-key").replace(":", "~")
        async with connect(Me, subprotocols=["chat.v1", f"api-key.{key}"]) as ws:
            self.assertEqual(await ws.receive(), "You are ada.")
        for subprotocols in (["chat.v1"], ["chat.v1", "api-key.guessed"]):
            async with connect(Me, subprotocols=subprotocols) as ws:
                assert ws.denied is not None
                self.assertEqual(ws.denied.status, 401)
