"""middleware/tokens.py"""

import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.http import HttpRequest
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject
from typing_extensions import override

from django_ws import WebSocketHandler, get_websocket_application
from django_ws.interfaces import Endpoint
from django_ws.middleware.composer import run_endpoint
from django_ws.middleware.tokens import SignedTokenMiddleware, TokenMiddleware, socket_token
from django_ws.routing import WebSocketRequest
from django_ws.standing import renew_user
from django_ws.testing import FakeResolver, Peer, websocket_scope

TCHARS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""RFC 9110 section 5.6.2."""


@pytest.fixture
def alice(database: None) -> User:
    return get_user_model().objects.create_user(username="alice", password="secret")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def refusals(log: pytest.LogCaptureFixture) -> list[str]:
    """Give the lines of the middleware's logger, each of which is a warning."""
    lines = [record for record in log.records if record.name == "django_ws.middleware"]
    assert {line.levelno for line in lines} <= {logging.WARNING}
    return [line.getMessage() for line in lines]


async def no_http(scope: Any, receive: Any, send: Any, /) -> None:
    raise AssertionError


class Asked(WebSocketHandler[str, str]):
    """Says who it is, as each way to ask has it."""

    subprotocols = ("chat.v1",)

    @override
    async def on_message(self, data: str, /) -> None:
        request = self.request
        await self.send(f"{request.user} {await request.auser()} {request.user is await request.auser()}")


class Known(TokenMiddleware):
    """Knows one token."""

    asked: ClassVar[list[str]] = []

    @override
    async def get_user(self, token: str, request: HttpRequest) -> AbstractBaseUser | AnonymousUser | None:
        self.asked.append(token)
        return User(username="alice", pk=1) if token == "good" else None


class Required(Known):
    token_required = True


@pytest.fixture(autouse=True)
def nobody_asked() -> None:
    Known.asked.clear()


async def handshake(middleware: Any, subprotocols: Sequence[str] = ()) -> Peer:
    resolver = FakeResolver({"/": Asked})
    application = get_websocket_application(no_http, resolver=resolver, middleware=[middleware])
    async with Peer(application, websocket_scope(subprotocols=subprotocols)) as peer:
        if await peer.connect():
            peer.text("")
            peer.said = await peer.receive()  # type: ignore[attr-defined]
    return peer


def says(peer: Peer) -> object:
    return getattr(peer, "said", None)


def headers(peer: Peer) -> dict[bytes, bytes]:
    return dict(peer.denied_headers)


def enters(middleware: Any, token: str) -> bool:
    """Say whether a token lets in, in a sync test."""
    return says(async_to_sync(handshake)(middleware, ["chat.v1", f"bearer.{token}"])) == "alice alice True"


# --- any token ------------------------------------------------------------------------------------


@pytest.mark.parametrize("offered", [["chat.v1", "bearer.good"], ["bearer.good", "chat.v1"], ["bearer.good"]])
async def test_a_valid_token_says_who_it_is_and_is_never_the_answer(
    offered: list[str], log: pytest.LogCaptureFixture
) -> None:
    peer = await handshake(Known, offered)
    assert says(peer) == "alice alice True"
    assert peer.accepted_subprotocol == ("chat.v1" if "chat.v1" in offered else None)
    assert refusals(log) == []


@pytest.mark.parametrize("token", ["bad", "", "x" * 4096, "Good"])
async def test_a_token_that_is_not_valid_denies_with_401_and_says_no_more(
    token: str, log: pytest.LogCaptureFixture
) -> None:
    peer = await handshake(Known, ["chat.v1", f"bearer.{token}"])
    assert peer.denied_status == 401
    assert headers(peer)[b"WWW-Authenticate".lower()] == b'Bearer error="invalid_token"'
    assert headers(peer)[b"content-type"] == b"text/plain; charset=utf-8"
    assert peer.denied_body == b"Unauthorized\n"
    assert refusals(log) == ["A handshake is denied with 401: '/': its token is not valid"]


@pytest.mark.parametrize("token", ["x" * 4097, "", "a b", "a,b", "a/b", "a=", "ü", "\ud800", "a\n", "good\n"])
async def test_what_cannot_be_a_token_is_not_even_looked_at(token: str) -> None:
    peer = await handshake(Known, [f"bearer.{token}"])
    assert peer.denied_status == 401
    assert Known.asked == []


async def test_several_tokens_are_a_bad_request(log: pytest.LogCaptureFixture) -> None:
    peer = await handshake(Known, ["chat.v1", "bearer.good", "bearer.good"])
    assert (peer.denied_status, peer.denied_body) == (400, b"Bad Request\n")
    assert b"www-authenticate" not in headers(peer)
    assert Known.asked == []
    assert refusals(log) == ["A handshake is denied with 400: '/': it carries several tokens"]


NONE: tuple[object, ...] = (
    None,
    (),
    [],
    "bearer.good",
    b"bearer.good",
    7,
    {"bearer.good": 1},
    [None, 7, b"bearer.good"],
)


@pytest.mark.parametrize("offered", [*NONE, ["chat.v1"], ["Bearer.good", "bearer", "x-bearer.good"]])
async def test_without_a_token_the_user_is_anonymous_or_denied(offered: Any, log: pytest.LogCaptureFixture) -> None:
    async def run(ws: Endpoint, /) -> object:
        return str(ws.request.user), str(await ws.request.auser())

    class Plain:
        def __init__(self) -> None:
            self.request = WebSocketRequest({**websocket_scope(), "subprotocols": offered})

        async def run(self) -> None: ...

    assert await Known(run)(Plain()) == ("AnonymousUser", "AnonymousUser")
    assert refusals(log) == []
    response: Any = await Required(run)(Plain())
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert refusals(log) == ["A handshake is denied with 401: '/': it carries no token"]
    assert Known.asked == []


async def test_a_required_token_is_told_of_on_the_wire() -> None:
    peer = await handshake(Required, ["chat.v1"])
    assert (peer.denied_status, headers(peer)[b"www-authenticate"]) == (401, b"Bearer")
    assert says(await handshake(Required, ["bearer.good"])) == "alice alice True"


@pytest.mark.parametrize("scope", [None, "websocket", {}])
async def test_a_request_of_another_kind_carries_no_token(scope: object) -> None:
    async def run(ws: Endpoint, /) -> object:
        return str(ws.request.user)

    class Plain:
        def __init__(self) -> None:
            self.request = HttpRequest()
            if scope is not None:
                vars(self.request)["scope"] = scope

        async def run(self) -> None: ...

    assert await Known(run)(Plain()) == "AnonymousUser"


async def test_the_prefix_is_the_classs_own() -> None:
    class Other(Known):
        PREFIX = "token-"

    assert says(await handshake(Other, ["token-good", "bearer.x"])) == "alice alice True"


async def test_an_anonymous_user_may_be_an_answer() -> None:
    class Guest(Known):
        @override
        async def get_user(self, token: str, request: HttpRequest) -> AnonymousUser:
            return AnonymousUser()

    assert str(says(await handshake(Guest, ["bearer.x"]))).startswith("AnonymousUser AnonymousUser")


@pytest.mark.parametrize(("offered", "user"), [([], "outer"), (["bearer.good"], "alice")])
async def test_a_token_counts_for_more_than_what_is_further_out_and_no_token_for_less(
    offered: list[str], user: str
) -> None:
    class Plain:
        def __init__(self) -> None:
            self.request = WebSocketRequest(websocket_scope(subprotocols=offered))
            self.request.user = User(username="outer")

        async def run(self) -> object:
            return str(self.request.user)

    assert await Known(run_endpoint)(Plain()) == user


# --- what is wrong --------------------------------------------------------------------------------


def test_the_base_alone_is_refused_at_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="TokenMiddleware cannot tell whose a token is"):
        TokenMiddleware(run_endpoint)


async def test_a_get_user_that_calls_the_bases_is_told() -> None:
    class Calling(TokenMiddleware):
        @override
        async def get_user(self, token: str, request: HttpRequest) -> AbstractBaseUser | AnonymousUser | None:
            return await super().get_user(token, request)

    with pytest.raises(NotImplementedError):
        await Calling(run_endpoint).get_user("good", HttpRequest())


def test_a_get_user_that_is_not_async_is_refused_at_the_start() -> None:
    class Sync(TokenMiddleware):
        @override
        def get_user(self, token: str, request: HttpRequest) -> None: ...  # type: ignore[override]

    with pytest.raises(ImproperlyConfigured, match=r"Sync\.get_user must be async"):
        Sync(run_endpoint)


@override_settings(INSTALLED_APPS=["django.contrib.sessions"])
def test_auth_must_be_installed() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Known needs .* add 'django\.contrib\.auth'"):
        Known(run_endpoint)


# --- signed tokens --------------------------------------------------------------------------------


def test_a_signed_token_lets_its_user_in_by_one_query(alice: User) -> None:
    token = socket_token(alice)
    with CaptureQueriesContext(connections["default"]) as queries:
        assert enters(SignedTokenMiddleware, token)
    assert len(queries) == 1


def test_a_signed_token_is_one_that_browsers_take(alice: User) -> None:
    for pk in (1, 2**63 - 1, -1):
        alice.pk = pk
        name = f"{TokenMiddleware.PREFIX}{socket_token(alice)}"
        assert set(name) <= TCHARS
        assert len(name) < 250


def test_it_may_be_made_of_a_lazy_user(alice: User) -> None:
    assert enters(SignedTokenMiddleware, socket_token(cast("User", SimpleLazyObject(lambda: alice))))


@pytest.mark.parametrize("user", [AnonymousUser(), User(username="new")])
def test_it_is_not_made_for_nobody(user: Any) -> None:
    with pytest.raises(ValueError, match="for a user that is logged in"):
        socket_token(user)


def test_it_holds_neither_the_password_nor_the_session_auth_hash(alice: User) -> None:
    payload = signing.b64_decode(socket_token(alice).split(".")[0].encode()).decode()
    assert alice.password not in payload
    assert alice.get_session_auth_hash() not in payload


def test_each_character_of_it_counts(alice: User) -> None:
    token = socket_token(alice)
    for place in (0, len(token) // 2, token.index("."), token.rindex("."), len(token) - 2):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert not enters(SignedTokenMiddleware, changed)
    assert enters(SignedTokenMiddleware, token)


@pytest.mark.parametrize("token", ["x", ".", "..", "a.b.c", "~", "'", ".".join("abcdefgh")])
def test_what_we_have_not_signed_costs_no_query(alice: User, token: str) -> None:
    with CaptureQueriesContext(connections["default"]) as queries:
        assert not enters(SignedTokenMiddleware, token)
    assert len(queries) == 0


def test_what_was_signed_for_another_purpose_is_not_valid(alice: User) -> None:
    payload = [str(alice.pk), "x"]
    for salt in ("django.core.signing", "django_ws"):
        assert not enters(SignedTokenMiddleware, signing.TimestampSigner(salt=salt, sep=".").sign_object(payload))


def test_it_ends_with_its_age(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(signing, "time", SimpleNamespace(time=lambda: now[0]))
    token = socket_token(alice)

    class Longer(SignedTokenMiddleware):
        max_age = timedelta(minutes=5)

    now[0] += 60
    assert enters(SignedTokenMiddleware, token)
    now[0] += 1
    assert not enters(SignedTokenMiddleware, token)
    assert enters(Longer, token)
    now[0] += 240
    assert not enters(Longer, token)


def test_it_ends_with_the_password(alice: User) -> None:
    token = socket_token(alice)
    alice.set_password("another")
    alice.save()
    assert not enters(SignedTokenMiddleware, token)


def test_it_ends_when_the_user_is_inactive_or_deleted(alice: User) -> None:
    token = socket_token(alice)
    alice.is_active = False
    alice.save()
    assert not enters(SignedTokenMiddleware, token)
    alice.is_active = True
    alice.save()
    assert enters(SignedTokenMiddleware, token)
    alice.delete()
    assert not enters(SignedTokenMiddleware, token)


def test_a_fallback_key_still_verifies_and_a_removed_one_does_not(alice: User) -> None:
    with override_settings(SECRET_KEY="before"):
        token = socket_token(alice)
    with override_settings(SECRET_KEY="after", SECRET_KEY_FALLBACKS=["older", "before"]):
        assert enters(SignedTokenMiddleware, token)
        assert enters(SignedTokenMiddleware, socket_token(alice))
    with override_settings(SECRET_KEY="after"):
        assert not enters(SignedTokenMiddleware, token)


def test_a_refused_token_is_one_line_that_does_not_hold_it(alice: User, log: pytest.LogCaptureFixture) -> None:
    token = socket_token(alice)
    with override_settings(SECRET_KEY="after"):
        peer = async_to_sync(handshake)(SignedTokenMiddleware, ["chat.v1", f"bearer.{token}"])
    assert peer.denied_status == 401
    assert refusals(log) == ["A handshake is denied with 401: '/': its token is not valid"]
    for part in token.split("."):
        assert part not in log.text
        assert part.encode() not in peer.denied_body


def test_a_token_is_not_logged_where_it_lets_in(alice: User, log: pytest.LogCaptureFixture) -> None:
    token = socket_token(alice)
    assert enters(SignedTokenMiddleware, token)
    assert not re.search("|".join(map(re.escape, token.split("."))), log.text)


# --- asked again ----------------------------------------------------------------------------------


def test_a_token_is_asked_about_again_where_its_middleware_can_tell(alice: User) -> None:
    valid, asked = [True], list[object]()

    class Revocable(TokenMiddleware):
        @override
        async def get_user(self, token: str, request: HttpRequest) -> AbstractBaseUser | AnonymousUser | None:
            return await User.objects.aget()

        @override
        async def is_still_valid(self, token: str, request: HttpRequest) -> bool:
            assert await super().is_still_valid(token, request)
            asked.append(token)
            return valid[0]

    async def main() -> None:
        ws = SimpleNamespace(request=WebSocketRequest(websocket_scope(subprotocols=["bearer.good"])))
        middleware = Revocable(keeping(ws))
        await middleware(cast("Endpoint", ws))
        assert asked == []
        assert await renew_user(ws.request)
        valid[0] = False
        assert not await renew_user(ws.request)
        assert asked == ["good", "good"]

    async_to_sync(main)()


def test_a_signed_token_that_has_expired_meanwhile_is_no_reason_to_leave(alice: User) -> None:
    class Short(SignedTokenMiddleware):
        max_age = timedelta(seconds=60)

    async def main() -> None:
        token = socket_token(alice)
        ws = SimpleNamespace(request=WebSocketRequest(websocket_scope(subprotocols=[f"bearer.{token}"])))
        await Short(keeping(ws))(cast("Endpoint", ws))
        Short.max_age = timedelta(seconds=-1)
        assert await renew_user(ws.request)
        await User.objects.aupdate(is_active=False)
        assert not await renew_user(ws.request)

    async_to_sync(main)()


def keeping(expected: object) -> Any:
    async def innermost(ws: Endpoint, /) -> None:
        assert ws is expected

    return innermost
