"""testing/targets.py"""

import pytest
from django.test import override_settings
from django.utils.module_loading import import_string

from django_ws import WebSocket, get_websocket_application
from django_ws.testing import Peer
from django_ws.testing.targets import OneRoute, application_of, no_http, project_application

OURS = get_websocket_application(no_http)


async def no_application() -> None: ...


def test_what_asgi_application_names_is_taken_if_it_is_ours() -> None:
    with override_settings(ASGI_APPLICATION=f"{__name__}.OURS"):
        assert project_application() is import_string(f"{__name__}.OURS")
    with override_settings(ASGI_APPLICATION=f"{__name__}.no_application"):
        made = project_application()
        assert type(made) is type(OURS)
        assert made is not OURS


def test_it_is_kept_until_a_setting_changes() -> None:
    first = project_application()
    with override_settings(DEBUG=True):
        assert project_application() is first
    with override_settings(ROOT_WS_URLCONF="testproject.ws_urls"):
        assert project_application() is not first


def test_a_name_that_cannot_be_imported_is_told() -> None:
    with override_settings(ASGI_APPLICATION="nowhere.application"), pytest.raises(ImportError):
        project_application()


async def test_http_does_not_come_here() -> None:
    with pytest.raises(AssertionError, match="HTTP request"):
        await no_http({}, None, None)


async def room(ws: WebSocket) -> None: ...


async def test_an_application_of_one_socket() -> None:
    async with Peer(application_of(room, (), {})) as peer:
        assert await peer.connect()


def test_every_path_leads_to_the_one_socket() -> None:
    route = OneRoute(room, (1,), {"name": "x"})
    match = route.resolve("/anything/")
    assert match.factory is room
    assert (match.args, match.kwargs, match.urlconf) == ((1,), {"name": "x"}, None)
    assert match.resolver_match.kwargs == {"name": "x"}
    assert match.resolver_match.kwargs is not match.kwargs
    assert match.resolver_match.args == (1,)
