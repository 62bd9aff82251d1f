"""Django's own ``MIDDLEWARE`` around the handshake: ``django_ws.middleware.DjangoMiddleware`` in ``WS_MIDDLEWARE``.

The project's chain runs once for each handshake, around a view of ours whose answer is 101 Switching Protocols. What
it sets on the request (user, session, site, tenant, language) is there in the socket; the headers that it sets on that
answer, ``Set-Cookie`` among them, go out as the handshake is accepted; what it answers instead denies the handshake.
"""

from typing import TYPE_CHECKING, Any, Final, cast, final

from django.conf import settings as django_settings
from django.utils.log import log_response

from django_ws.conf import get_settings
from django_ws.middleware.chain import Chain

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.http.response import HttpResponseBase

    from django_ws.interfaces import Endpoint, Headers, Next

__all__ = ["DjangoMiddleware"]

_SWITCHING_PROTOCOLS: Final = 101
_FIRST_ERROR: Final = 400

_OF_A_BODY: Final = frozenset({"content-type", "content-length", "content-encoding", "content-language", "etag"})
"""Headers that tell of a body, which the answer to a handshake has not."""
_OF_THE_HANDSHAKE: Final = frozenset({"connection", "upgrade", "transfer-encoding"})
"""Headers that the server writes itself."""


@final
class DjangoMiddleware:
    """Runs ``MIDDLEWARE``, less ``WS_SKIP_MIDDLEWARE``, around the handshake of every socket.

    What a middleware is: https://docs.djangoproject.com/en/stable/topics/http/middleware/.

    Sync middleware runs on the socket's lane, as sync middleware under ASGI runs on a request's thread. Where one is
    sync, those that can be both are sync with it, so the whole chain is one hop to that thread; without a sync one all
    run in the socket's own task.

    What is not as around a view:

    - The chain has ended when the socket opens. What a middleware does after ``get_response`` it does then, and what
      it undoes there is undone in the hooks.
    - The route was found before. A path without one is denied with 404 outside of the chain, and another
      ``request.urlconf`` changes nothing. ``reverse()`` and ``resolve()`` are still those of ``ROOT_URLCONF``.
    - ``process_exception`` sees no exception of the socket, which runs later. What it may see is a ``TemplateResponse``
      of a ``process_view`` that cannot be rendered.
    - Django's per-site cache is left out: no page of a view's is an answer to a handshake.
    - ``request_started`` and ``request_finished`` are not sent, and ``ATOMIC_REQUESTS`` opens no transaction.

    Args:
        next_: What is further in.

    Raises:
        ImproperlyConfigured: An entry of ``MIDDLEWARE`` cannot be imported, or is no middleware.
    """

    def __init__(self, next_: "Next") -> None:
        self._next: Next = next_
        self._chain: Chain = Chain(django_settings.MIDDLEWARE, get_settings().skip_middleware)

    async def __call__(self, ws: "Endpoint") -> object:
        """Run the chain; go on if it lets the handshake pass.

        Returns:
            What the chain answers instead.

        Raises:
            TypeError: The chain gave back what is no response.
        """
        response = await self._chain.answer(ws.request)
        if response.status_code != _SWITCHING_PROTOCOLS:
            if response.status_code >= _FIRST_ERROR:
                # django-stubs knows no streaming response there.
                log_response(
                    "%s: %s",
                    response.reason_phrase,
                    ws.request.path,
                    response=cast("HttpResponse", response),
                    request=ws.request,
                )
            return response
        # Not by isinstance(): a Protocol's takes 15 µs on Python 3.11. So it is of no type.
        add: Any = getattr(ws, "add_accept_headers", None)
        if add is not None:
            add(_accept_headers(response))
        return await self._next(ws)


def _accept_headers(response: "HttpResponseBase") -> "Headers":
    left_out = _OF_A_BODY | _OF_THE_HANDSHAKE
    headers = [
        (name, value)
        for name, value in response.items()
        if name.lower() not in left_out and not name.lower().startswith("sec-websocket-")
    ]
    return [*headers, *(("set-cookie", morsel.OutputString()) for morsel in response.cookies.values())]
