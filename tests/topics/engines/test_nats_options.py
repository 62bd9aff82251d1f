"""topics/engines/nats_options.py: every value, and every mistake, none of which shows a password."""

import ssl
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.nats_options import (
    NatsServer,
    read_credentials,
    read_servers,
    take_prefix,
    take_seconds,
    take_secrets,
    take_tls,
)
from topics.engines.certificates import make_certificates
from topics.engines.nats_accounts import SEED


@pytest.mark.parametrize(
    ("location", "servers"),
    [
        ("", [NatsServer("nats://localhost:4222", {})]),
        ("nats://one", [NatsServer("nats://one:4222", {})]),
        ("tls://one:1/", [NatsServer("tls://one:1", {})]),
        ("nats://[::1]:7", [NatsServer("nats://[::1]:7", {})]),
        ("nats://one:1, nats://two:2", [NatsServer("nats://one:1", {}), NatsServer("nats://two:2", {})]),
        ("nats://me:s%40cret@one", [NatsServer("nats://one:4222", {"user": "me", "password": "s@cret"})]),
        ("nats://t%2Fken@one:5", [NatsServer("nats://one:5", {"token": "t/ken"})]),
    ],
)
def test_addresses_are_taken_apart(location: str, servers: list[NatsServer]) -> None:
    assert read_servers(location, {}) == servers


def test_credentials_of_an_address_go_before_those_of_the_options() -> None:
    secrets = {"user": "us", "password": "ours"}
    assert read_servers("nats://one, nats://me:mine@two", secrets) == [
        NatsServer("nats://one:4222", secrets),
        NatsServer("nats://two:4222", {"user": "me", "password": "mine"}),
    ]


@pytest.mark.parametrize(
    "location",
    [
        "http://me:secret@one",
        "me:secret@one",
        "nats://me:secret@one:port",
        "nats://me:secret@",
        "nats://me:secret@one/path",
        "nats://me:secret@one?tls=1",
        "nats://me:secret@[one",
        "nats://me:secret@one,",
        "ws://me:secret@one",
    ],
)
def test_what_is_no_address_is_refused_and_not_shown(location: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="an address that is not like 'nats://localhost:4222'") as caught:
        read_servers(location, {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["a", "django_ws", "site-1.ws"])
def test_prefixes(prefix: str) -> None:
    assert take_prefix({"PREFIX": prefix}) == prefix
    assert take_prefix({}) == "django_ws"


@pytest.mark.parametrize("prefix", ["", ".", "a.", "a..b", "a b", "*", "a.>", "é", "a\n"])
def test_what_is_no_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"OPTIONS\['PREFIX'\] is .*, but must be words"):
        take_prefix({"PREFIX": prefix})


def test_seconds() -> None:
    options: dict[str, object] = {"A": 3, "B": 0.5, "C": 1}
    assert (take_seconds(options, "A", 1.0), take_seconds(options, "B", 1.0), take_seconds(options, "D", 7.0)) == (
        3,
        0.5,
        7,
    )
    assert options == {"C": 1}


@pytest.mark.parametrize("value", [0, -1, 0.0, float("nan"), float("inf"), "5", True, None])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"OPTIONS\['TIMEOUT'\] is "):
        take_seconds({"TIMEOUT": value}, "TIMEOUT", 1.0)


def test_secrets() -> None:
    assert take_secrets({}) == {}
    assert take_secrets({"USER": "me", "PASSWORD": "mine"}) == {"user": "me", "password": "mine"}
    assert take_secrets({"TOKEN": "mine", "USER": ""}) == {"token": "mine"}


@pytest.mark.parametrize("options", [{"USER": "me"}, {"PASSWORD": "secret"}, {"USER": "me", "PASSWORD": ""}])
def test_half_of_a_secret_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ImproperlyConfigured, match="neither is taken without the other") as caught:
        take_secrets(options)
    assert "secret" not in str(caught.value)


def test_a_secret_of_another_type_is_refused_and_not_shown() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        take_secrets({"PASSWORD": b"secret"})
    assert str(caught.value) == "OPTIONS['PASSWORD'] must be of type str"


def test_without_options_tls_is_left_to_the_library() -> None:
    assert take_tls({}) == {}
    assert take_tls({"TLS_FIRST": True}) == {"tls_handshake_first": True}


def test_files_for_tls_make_a_context(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    options: dict[str, object] = {"CA_FILE": files.authority, "CERT_FILE": files.certificate, "KEY_FILE": files.key}
    context = take_tls(options)["tls"]
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1
    assert options == {}
    both = tmp_path / "both.pem"
    both.write_text(Path(files.certificate).read_text() + Path(files.key).read_text())
    assert set(take_tls({"CERT_FILE": str(both)})) == {"tls"}
    assert len(take_tls({"CA_FILE": files.authority})["tls"].get_ca_certs()) == 1


def test_files_for_tls_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.pem")
    with pytest.raises(
        ImproperlyConfigured, match=r"the files for TLS \(.*absent.pem\) cannot be used: .*No such file"
    ):
        take_tls({"CA_FILE": absent})
    with pytest.raises(ImproperlyConfigured, match="'KEY_FILE' without 'CERT_FILE'"):
        take_tls({"KEY_FILE": absent})


def creds(jwt: str = "e30.e30.c2ln", seed: str = SEED) -> str:
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )


def test_credentials_are_read(tmp_path: Path) -> None:
    path = tmp_path / "user.creds"
    path.write_text(creds())
    assert read_credentials(str(path)) == creds()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no JWT and seed"),
        (creds().split("\n\n")[0].encode(), "no JWT and seed"),
        (creds(seed="SUAB").encode(), "have a seed that is none"),
        (b"\xff", "cannot be read"),
    ],
)
def test_broken_credentials_are_told(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "user.creds"
    path.write_bytes(content)
    with pytest.raises(BrokerError, match=why) as caught:
        read_credentials(str(path))
    assert str(path) in str(caught.value)
    assert "SUA" not in str(caught.value)


def test_credentials_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"the credentials '.*absent' cannot be read: .*No such file"):
        read_credentials(str(tmp_path / "absent"))


def test_credentials_need_nkeys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nkeys", None)
    with pytest.raises(ImproperlyConfigured, match=r"pip install 'nats-py\[nkeys\]'"):
        read_credentials("user.creds")
