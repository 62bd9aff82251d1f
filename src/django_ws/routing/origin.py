"""Host and Origin of a handshake, checked before any code of the user runs.

A browser sends its cookies with a websocket handshake from any site (RFC 6455 section 10.2), so a socket that
trusts a cookie must look at ``Origin``: that is the defence against cross-site websocket hijacking.

``Host`` is checked by Django's ``ALLOWED_HOSTS``. ``Origin`` is let in if it is absent (then it is no browser), if it
is the handshake's own scheme and host, or if it is named in ``WS_ALLOWED_ORIGINS`` or, where that is not set, in
``CSRF_TRUSTED_ORIGINS``.
"""

from enum import Enum, unique
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings as django_settings
from django.core.exceptions import DisallowedHost
from django.core.signals import setting_changed
from django.utils.http import is_same_domain

from django_ws.conf import get_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

    from django_ws.interfaces import Scope

__all__ = ["Verdict", "check_origin"]

_REMEMBERED: Final = 1024
"""Pairs of Host and Origin that are remembered as allowed: a site sees few of them, over and over."""
_REMEMBERED_BYTES: Final = 512
"""Bytes that a remembered pair may have: what a stranger can make us hold is bounded."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@unique
class Verdict(Enum):
    """What the check found; the value ends the sentence "The handshake was refused: "."""

    ALLOWED = "allowed"
    BAD_HOST = "its Host is malformed or not in ALLOWED_HOSTS"
    SEVERAL_ORIGINS = "it has more than one Origin header"
    BAD_ORIGIN = "its Origin is not a scheme and a host"
    OTHER_SCHEME = (
        "its Origin is this host by another scheme; where a proxy ends TLS, set SECURE_PROXY_SSL_HEADER, "
        "else name the origin in CSRF_TRUSTED_ORIGINS or WS_ALLOWED_ORIGINS"
    )
    FOREIGN_ORIGIN = (
        "its Origin is another site; if that site may connect, name it in CSRF_TRUSTED_ORIGINS or WS_ALLOWED_ORIGINS"
    )


# By a name of its own: on Python 3.11 a member of an Enum, asked for by its class, costs as much as a coroutine.
_ALLOWED: Final = Verdict.ALLOWED

_verdicts: Final[dict[tuple[bytes, bytes | None, object], Verdict]] = {}


def check_origin(scope: "Scope", request: "HttpRequest", /) -> Verdict:
    """Check ``Host`` and ``Origin`` of a handshake.

    Args:
        scope: The ``websocket`` scope, for its raw headers.
        request: The same handshake, for Django's own reading of the host, proxy settings included. It is looked
            at only where the verdict on this pair of headers is not yet known.
    """
    hosts: list[bytes] = []
    origins: list[bytes] = []
    for name, value in scope.get("headers") or ():
        if name == b"host":
            hosts.append(value)
        elif name == b"origin":
            origins.append(value)
    if len(origins) > 1:
        return Verdict.SEVERAL_ORIGINS
    origin = origins[0] if origins else None
    if len(hosts) != 1 or get_settings().behind_proxy:
        return _judge(request, origin)
    key = (hosts[0], origin, scope.get("scheme"))
    verdict = _verdicts.get(key)
    if verdict is None:
        verdict = _judge(request, origin)
        if verdict is _ALLOWED and len(hosts[0]) + len(origin or b"") <= _REMEMBERED_BYTES:
            if len(_verdicts) >= _REMEMBERED:
                _verdicts.clear()
            _verdicts[key] = verdict
    return verdict


def _judge(request: "HttpRequest", raw_origin: bytes | None) -> Verdict:
    try:
        host = request.get_host()
    except DisallowedHost:
        return Verdict.BAD_HOST
    if raw_origin is None:
        return Verdict.ALLOWED
    origin = _split(raw_origin)
    if origin is None:
        return Verdict.BAD_ORIGIN
    if _is_named(origin):
        return Verdict.ALLOWED
    scheme = "https" if request.is_secure() else "http"
    try:
        own = _site(urlsplit(f"{scheme}://{host}"))
    except ValueError:
        # Django's get_host() lets a port over 65535 pass, and under ALLOWED_HOSTS = ["*"] an impossible address.
        return Verdict.BAD_HOST
    if _site(origin) == own:
        return Verdict.ALLOWED
    if origin.hostname == own[1] and origin.scheme != scheme:
        return Verdict.OTHER_SCHEME
    return Verdict.FOREIGN_ORIGIN


def _split(raw: bytes) -> SplitResult | None:
    """Take an Origin header apart; ``None`` if it is not ``scheme://host[:port]`` (RFC 6454 section 7)."""
    try:
        origin = urlsplit(raw.decode("ascii").lower())
        _site(origin)
    except ValueError:
        return None
    if not origin.scheme or not origin.hostname or "@" in origin.netloc:
        return None
    if origin.path or origin.query or origin.fragment:
        return None
    return origin


def _site(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, _DEFAULT_PORTS.get(url.scheme) if url.port is None else url.port


def _is_named(origin: SplitResult) -> bool:
    allowed = get_settings().allowed_origins
    named: Iterable[str] = django_settings.CSRF_TRUSTED_ORIGINS if allowed is None else allowed
    return any(_matches(origin, pattern.lower()) for pattern in named)


def _matches(origin: SplitResult, pattern: str) -> bool:
    """Compare with an entry in the form of ``CSRF_TRUSTED_ORIGINS``, ``https://*.example.com`` included."""
    if pattern == "*":
        return True
    scheme, separator, netloc = pattern.partition("://")
    if not separator or scheme != origin.scheme:
        return False
    if netloc.startswith("*"):
        return is_same_domain(origin.netloc, netloc.removeprefix("*"))
    try:
        return _site(origin) == _site(urlsplit(pattern))
    except ValueError:  # an entry that no Origin can match, which a system check tells of
        return False


def _forget(**_: object) -> None:
    _verdicts.clear()


setting_changed.connect(_forget, dispatch_uid="django_ws.routing.origin")
