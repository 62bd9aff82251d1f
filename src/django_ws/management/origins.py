"""What is wrong with an origin in the settings, before a browser is refused by it."""

from urllib.parse import urlsplit

__all__ = ["has_more", "why_never"]


def why_never(origin: str, /) -> str:
    """Say why no browser's ``Origin`` equals an entry of ``WS_ALLOWED_ORIGINS`` or ``CSRF_TRUSTED_ORIGINS``.

    Returns:
        Why, by what :mod:`django_ws.routing.origin` compares (RFC 6454 section 6.2); empty where one may.
    """
    scheme, separator, netloc = origin.lower().partition("://")
    if not separator:
        return "it has no scheme"
    if scheme in ("ws", "wss"):
        return "the origin is the page's, of http or https"
    try:
        parts = urlsplit(origin)
        malformed = not parts.hostname
        _ = parts.port
    except ValueError:
        malformed = True
    if malformed or any(character.isspace() for character in origin):
        return "it has no host, or one that cannot be"
    if not origin.isascii():
        return "a browser sends its host in ASCII, as in 'xn--bcher-kva.example'"
    host = netloc.removeprefix("*")
    if "*" in host or (host != netloc and not host.startswith(".")):
        return "a wildcard stands for whole names alone, before a dot"
    if host != netloc and has_more(origin):
        return "something follows the host of the wildcard"
    return ""


def has_more(origin: str, /) -> bool:
    """Say whether an entry with a host has more than scheme, host and port."""
    parts = urlsplit(origin)
    return bool(parts.path or parts.query or parts.fragment or "@" in parts.netloc)
