"""topics/engines/nats_client.py: what the link changes of nats-py's client."""

import asyncio
import ssl
import sys
from importlib import import_module

import pytest
from django.core.exceptions import ImproperlyConfigured
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoServersError

from django_ws.topics.engines.nats_client import Inbox, NatsClient, credentials_of, reason_of


async def test_one_inbox_takes_every_message_in_their_order() -> None:
    taken: list[bytes] = []
    inbox = Inbox(lambda message: taken.append(message.data))
    for data in (b"a", b"b"):
        inbox.set_result(Msg(NatsClient(), "subject", data=data))
    assert taken == [b"a", b"b"]
    assert not inbox.done()


async def test_secrets_are_the_clients_only_once_it_asks_for_tls() -> None:
    client = NatsClient()
    context = ssl.create_default_context()
    client.options = {"tls": context, "user": None}
    client.secrets = {"user": "me", "password": "s3cret"}
    assert (client.is_secure, client.options) == (False, {"tls": context, "user": None})
    assert client.ssl_context is context
    assert (client.is_secure, client.options) == (True, {"tls": context, "user": "me", "password": "s3cret"})


@pytest.mark.parametrize("status", [Client.CONNECTED, Client.CLOSED])
async def test_that_nothing_is_read_any_more_is_told_unless_the_connection_has_ended(status: int) -> None:
    told: list[str] = []
    client = NatsClient()
    client.when_deaf(lambda: told.append("never connected"))
    client._reading_task = asyncio.create_task(asyncio.sleep(0))
    client._status = status
    client.when_deaf(lambda: told.append("deaf"))
    await client._reading_task
    await asyncio.sleep(0)
    assert told == (["deaf"] if status == Client.CONNECTED else [])


def test_no_credentials_are_none() -> None:
    assert credentials_of("") is None
    assert credentials_of("-----BEGIN NATS USER JWT-----") == "-----BEGIN NATS USER JWT-----"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Error("nats: 'Authorization Violation'"), "Authorization Violation"),
        (NoServersError(), "no servers available for connection"),
        (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_what_an_error_says_is_told_without_ornament(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nats.aio.client", None)
    monkeypatch.delitem(sys.modules, "django_ws.topics.engines.nats_client")
    with pytest.raises(ImproperlyConfigured, match=r"engines\.nats needs nats-py, .*: pip install 'django-ws\[nats\]'"):
        import_module("django_ws.topics.engines.nats_client")
