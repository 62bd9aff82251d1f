"""What ``LOCATION`` and ``OPTIONS`` of the engine ``nats`` mean; see :mod:`django_ws.topics.engines.nats`."""

import re
import ssl
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from django_ws.exceptions import BrokerError
from django_ws.topics.engines.options import take_option

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NatsServer", "read_credentials", "read_servers", "take_prefix", "take_seconds", "take_secrets", "take_tls"]

_DEFAULT: Final = "nats://localhost:4222"
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
_CREDENTIALS: Final = re.compile(
    r"-+BEGIN NATS USER JWT-+\r?\n[^\s]+\r?\n.*-+BEGIN USER NKEY SEED-+\r?\n([A-Z2-7]+)\r?\n", re.DOTALL
)


class NatsServer(NamedTuple):
    """One server."""

    url: str
    """Without credentials: ``nats://host:port`` or ``tls://host:port``."""
    secrets: "Mapping[str, str]"
    """``user`` and ``password``, or ``token``."""


def read_servers(location: str, secrets: "Mapping[str, str]") -> list[NatsServer]:
    """Take the addresses apart.

    Args:
        location: They, with commas between; empty: one on this machine.
        secrets: For those that have none of their own.

    Raises:
        ImproperlyConfigured: One is none; the message does not quote it, for it may hold a password.
    """
    return [_read_server(url.strip(), secrets) for url in (location or _DEFAULT).split(",")]


def take_prefix(options: dict[str, object]) -> str:
    """Take ``PREFIX``.

    Raises:
        ImproperlyConfigured: No subject may begin so.
    """
    prefix = take_option(options, "PREFIX", str, "django_ws")
    if not _PREFIX.match(prefix):
        raise ImproperlyConfigured(
            f"OPTIONS['PREFIX'] is {prefix!r}, but must be words of letters, digits, _ and - with dots between"
        )
    return prefix


def take_seconds(options: dict[str, object], name: str, default: float) -> float:
    """Take a number of seconds, with or without a fraction.

    Raises:
        ImproperlyConfigured: It is none, or no time at all.
    """
    value = options.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        options[name] = float(value)
    seconds = take_option(options, name, float, default)
    if not 0 < seconds < float("inf"):
        raise ImproperlyConfigured(f"OPTIONS[{name!r}] is {seconds!r}, but must be seconds, more than 0")
    return seconds


def take_secrets(options: dict[str, object]) -> "Mapping[str, str]":
    """Take ``USER`` and ``PASSWORD``, or ``TOKEN``, as the library names them.

    Raises:
        ImproperlyConfigured: One is no string, or stands alone where it is nothing without another.
    """
    secrets: dict[str, str] = {}
    for name in ("USER", "PASSWORD", "TOKEN"):
        value = options.pop(name, "")
        if not isinstance(value, str):
            raise ImproperlyConfigured(f"OPTIONS[{name!r}] must be of type str")  # and is not for the log
        if value:
            secrets[name.lower()] = value
    if ("user" in secrets) != ("password" in secrets):
        raise ImproperlyConfigured("OPTIONS has one of 'USER' and 'PASSWORD', but neither is taken without the other")
    return secrets


# What the library takes is of many types.
def take_tls(options: dict[str, object]) -> dict[str, Any]:
    """Take ``CA_FILE``, ``CERT_FILE``, ``KEY_FILE`` and ``TLS_FIRST``; give what ``connect`` of the library takes.

    Raises:
        ImproperlyConfigured: A file cannot be used.
    """
    authority, certificate, key = (take_option(options, name, str, "") for name in ("CA_FILE", "CERT_FILE", "KEY_FILE"))
    if key and not certificate:
        raise ImproperlyConfigured("OPTIONS has 'KEY_FILE' without 'CERT_FILE'")
    taken: dict[str, Any] = {}
    if take_option(options, "TLS_FIRST", bool, default=False):
        taken["tls_handshake_first"] = True
    if authority or certificate:
        try:
            context = ssl.create_default_context(cafile=authority or None)
            if certificate:
                context.load_cert_chain(certificate, key or None)
        except OSError as error:
            files = ", ".join(filter(None, (authority, certificate, key)))
            raise ImproperlyConfigured(f"OPTIONS: the files for TLS ({files}) cannot be used: {error}") from error
        taken["tls"] = context
    return taken


def read_credentials(path: str) -> str:
    """Read a ``.creds`` file and make sure of it: with a broken one the library would search it for ever.

    Raises:
        BrokerError: It cannot be read, or is none.
        ImproperlyConfigured: nkeys is not installed.
    """
    try:
        # It brings no types.
        nkeys: Any = import_module("nkeys")
    except ImportError as error:
        raise ImproperlyConfigured(
            "OPTIONS['CREDENTIALS'] needs nkeys, which is not installed: pip install 'nats-py[nkeys]'"
        ) from error
    try:
        text = Path(path).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise BrokerError(f"the credentials {path!r} cannot be read: {error}") from error
    found = _CREDENTIALS.search(text)
    if found is None:
        raise BrokerError(f"the credentials {path!r} are no .creds file: there is no JWT and seed of a user in it")
    try:
        nkeys.from_seed(bytearray(found[1].encode()))
    except Exception as error:  # nkeys has several, and binascii its own
        raise BrokerError(f"the credentials {path!r} have a seed that is none") from error
    return text


def _read_server(url: str, secrets: "Mapping[str, str]") -> NatsServer:
    wrong = f"LOCATION has an address that is not like {_DEFAULT!r} or 'tls://host:4222'"
    try:
        parts = urlsplit(url)
        port = parts.port or 4222
    except ValueError as error:
        raise ImproperlyConfigured(wrong) from error
    if parts.scheme not in ("nats", "tls") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ImproperlyConfigured(wrong)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if parts.username and parts.password:
        secrets = {"user": unquote(parts.username), "password": unquote(parts.password)}
    elif parts.username:
        secrets = {"token": unquote(parts.username)}
    return NatsServer(f"{parts.scheme}://{host}:{port}", secrets)
