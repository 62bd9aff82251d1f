"""Django middleware that is async by itself: an entry of ``MIDDLEWARE`` that needs no thread."""

from typing import TYPE_CHECKING

from django.utils.decorators import async_only_middleware

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

__all__ = ["labelling"]


@async_only_middleware
def labelling(get_response: "GetResponse") -> "GetResponse":
    """Look at the request, and set a header, as most do."""

    async def middleware(request: "HttpRequest") -> "HttpResponseBase":
        label = request.META.get("HTTP_X_LABEL", "none")
        response = await get_response(request)
        response.headers["X-Label"] = label
        return response

    return middleware
