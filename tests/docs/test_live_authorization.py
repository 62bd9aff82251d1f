"""Every example of docs/live-authorization.md does what the page says."""

import re
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import override_settings

from django_ws.conf import WebSocketSettings
from django_ws.handler.runtime import runtime
from django_ws.testing import connect

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "live-authorization.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
AUTH = "django_ws.middleware.AuthMiddleware"


def run(number: int) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example_of_the_page"}
    exec(compile(BLOCKS[number], "docs/live-authorization.md", "exec"), names)
    return names


def test_every_example_is_tested() -> None:
    assert len(BLOCKS) == 4


def test_the_default_is_the_default() -> None:
    assert tuple(run(0)["WS_DISCONNECT_ON"]) == WebSocketSettings().disconnect_on


@pytest.fixture
def user(database: None) -> User:
    user = User.objects.create_user(username="alice", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    return user


@override_settings(WS_MIDDLEWARE=[AUTH])
def test_a_ban_by_hand(user: User) -> None:
    ban = run(1)["ban"]

    async def main() -> None:
        async with connect(run(3)["Staff"], user=user) as ws:
            await sync_to_async(ban)(user)
            assert await ws.wait_closed() == 4410
            assert not (await User.objects.aget()).is_active

    async_to_sync(main)()


@override_settings(WS_MIDDLEWARE=[AUTH])
def test_an_action_of_the_admin(user: User) -> None:
    action = run(2)["close_connections"]
    assert action.short_description == "Close all open connections"

    def act() -> None:
        with transaction.atomic():
            action(None, None, User.objects.all())

    async def main() -> None:
        async with connect(run(3)["Staff"], user=user) as ws:
            await sync_to_async(act)()
            assert await ws.wait_closed() == 4401

    async_to_sync(main)()


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"username": "mallory"}, 4403), ({"is_active": False}, 4401), ({"is_superuser": True}, None)],
)
@override_settings(WS_MIDDLEWARE=[AUTH])
def test_who_is_checked_again(user: User, changes: dict[str, Any], code: int | None) -> None:
    async def main() -> None:
        async with connect(run(3)["Staff"], user=user) as ws:
            await User.objects.aupdate(**changes)
            here = runtime()
            assert len(here.revalidation) == 1
            here.check(here.sockets())
            if code is None:
                await ws.close()
            else:
                assert await ws.wait_closed() == code

    async_to_sync(main)()


@override_settings(WS_MIDDLEWARE=[AUTH])
def test_who_has_lost_the_permission(user: User) -> None:
    async def main() -> None:
        async with connect(run(3)["Staff"], user=user) as ws:
            await sync_to_async(user.user_permissions.clear)()
            here = runtime()
            here.check(here.sockets())
            assert await ws.wait_closed() == 4403

    async_to_sync(main)()
