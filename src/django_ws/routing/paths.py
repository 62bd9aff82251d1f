"""The path of a handshake, free of the prefix under which the project is mounted."""

from typing import TYPE_CHECKING

from django_ws.conf import get_settings

if TYPE_CHECKING:
    from django_ws.interfaces import Scope

__all__ = ["path_info", "script_prefix"]


def script_prefix(scope: "Scope", /) -> str:
    """Give the mount's prefix: ``FORCE_SCRIPT_NAME``, else the scope's ``root_path``; empty where there is none."""
    prefix: object = get_settings().script_name or scope.get("root_path")
    return str(prefix).rstrip("/") if prefix else ""


def path_info(scope: "Scope", /) -> str:
    """Give the path to resolve: ``path`` less the prefix (ASGI www.rst, "WSGI Compatibility").

    A server or mount that leaves the prefix out of ``path`` is understood as well; ``/app`` is no prefix of
    ``/apple``.
    """
    path: str = scope["path"]
    prefix = script_prefix(scope)
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        path = path[len(prefix) :]
    return path if path.startswith("/") else f"/{path}"
